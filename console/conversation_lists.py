"""Lists of conversations: those that press most, or those that changed last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter
from sqlalchemy import ColumnElement, Connection, RowMapping, select

from console.pages import PAIR, Key, Order, Paged, Place, Whole, behind, cursor, cut, page, place_in
from console.tables import CONVERSATIONS
from console.views import ConversationView
from schemas.desk_events import ConversationStatus
from schemas.record_fields import MentionType, PlainName

ME: Final = "me"
PRIORITIES: Final = range(1, 6)
_COLUMNS: Final = CONVERSATIONS.c
_NEWEST: Final = Order("newest", (_COLUMNS.changed_at, _COLUMNS.conversation), PAIR, descending=True)
_PRESSING: Final = "pressing"
_PRESSING_PLACE: Final[TypeAdapter[Place]] = TypeAdapter(
    tuple[Annotated[int, Field(strict=True, ge=1, le=5)], Whole | None, Key]
)


class ConversationsAsked(Paged):
    """Which conversations, in which order."""

    status: ConversationStatus = "open"
    team: PlainName | None = None
    queue: PlainName | None = None
    owner: PlainName | None = Field(None, description="A person, or `me`.")
    holder: PlainName | None = Field(None, description="Who has claimed it: a person, or `me`.")
    brand: PlainName | None = None
    type: MentionType | None = None
    waiting: bool | None = Field(None, description="Whether the customer waits for an answer.")
    in_review: bool | None = Field(None, description="Whether a mention waits for its label.")
    priority: Annotated[int, Field(ge=1, le=5)] | None = None
    sort: Literal["pressing", "newest"] = Field(
        "pressing", description="By priority and then what falls due first, or by what changed last."
    )


def conversations(
    connection: Connection, asked: ConversationsAsked, me: str
) -> tuple[Sequence[RowMapping], str | None]:
    """The rows of a page and the cursor of the next. Raises RefusedRequest for a cursor that isn't one."""
    where = _conditions(asked, me)
    if asked.sort == "newest":
        return page(connection, select(*ConversationView.columns(CONVERSATIONS)).where(*where), _NEWEST, asked)
    return _most_pressing(connection, where, asked)


def _conditions(asked: ConversationsAsked, me: str) -> list[ColumnElement[bool]]:
    where = [_COLUMNS.status == asked.status]
    for name in ("team", "queue", "brand", "type", "waiting", "priority"):
        if (value := getattr(asked, name)) is not None:
            where.append(_COLUMNS[name] == value)
    for name in ("owner", "holder"):
        if (person := getattr(asked, name)) is not None:
            where.append(_COLUMNS[name] == (me if person == ME else person))
    if asked.in_review is not None:
        where.append(_COLUMNS.in_review > 0 if asked.in_review else _COLUMNS.in_review == 0)
    return where


def _most_pressing(
    connection: Connection, where: Sequence[ColumnElement[bool]], asked: ConversationsAsked
) -> tuple[Sequence[RowMapping], str | None]:
    """Stretch by stretch: each is one range of an index, as an order with nulls in it is not in both databases."""
    place = None if asked.after is None else place_in(asked.after, _PRESSING, _PRESSING_PLACE)
    rows: list[RowMapping] = []
    for conditions, order in _stretches(place, asked.priority):
        query = select(*ConversationView.columns(CONVERSATIONS)).where(*where, *conditions).order_by(*order)
        rows += connection.execute(query.limit(asked.limit + 1 - len(rows))).mappings()
        if len(rows) > asked.limit:
            break
    return cut(rows, asked.limit, lambda row: cursor(_PRESSING, (row["priority"], row["due_at"], row["conversation"])))


def _stretches(place: Place | None, only: int | None) -> Iterator[tuple[list[ColumnElement[bool]], list[Any]]]:
    """Conditions and order of each: of every priority what has a due time, then what has none; behind the place."""
    key, due = _COLUMNS.conversation, _COLUMNS.due_at
    first, at, behind_key = (0, None, None) if place is None else place
    for priority in PRIORITIES if only is None else (only,):
        if priority < first:
            continue
        here = [_COLUMNS.priority == priority]
        starts = priority == first
        if not starts or at is not None:
            after = [behind((due, key), (at, behind_key))] if starts else [due.is_not(None)]
            yield [*here, *after], [due, key]
        after = [key > behind_key] if starts and at is None else []
        # By the due time too, though it is none: for the last row of a page PostgreSQL would go through all keys.
        yield [*here, due.is_(None), *after], [due, key]
