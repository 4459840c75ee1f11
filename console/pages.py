"""Lists in pages. A page ends at a place, the values by which the list is ordered, and the next begins behind it: what
comes and goes meanwhile neither repeats nor hides anything else."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Select, literal, tuple_

from schemas.record_fields import MAX_KEY_CHARACTERS, without_nul
from streams.http_refusals import RefusedRequest

MAX_ITEMS: Final = 200
MAX_CURSOR_CHARACTERS: Final = 2 * MAX_KEY_CHARACTERS

Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Key = Annotated[str, Field(max_length=MAX_KEY_CHARACTERS + 1024), AfterValidator(without_nul)]
Place = tuple[Any, ...]


class Paged(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[str, Field(max_length=MAX_CURSOR_CHARACTERS)] | None = Field(
        None, description="`next` of the page before; the list must be asked for in the same way."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 50


PagedQuery = Annotated[Paged, Query()]


@dataclass(frozen=True)
class Order:
    """By which columns a list is ordered, all up or all down. No two rows have the same values of them."""

    name: str
    columns: tuple[Column[Any], ...]
    kinds: TypeAdapter[Place]
    descending: bool = False


PAIR: Final[TypeAdapter[Place]] = TypeAdapter(tuple[Whole, Key])
ALONE: Final[TypeAdapter[Place]] = TypeAdapter(tuple[Key])


def cursor(order: str, place: Place) -> str:
    """The place as callers get it: not for them to read."""
    text = json.dumps([order, *place], separators=(",", ":"), ensure_ascii=False)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_in(given: str, order: str, kinds: TypeAdapter[Place]) -> Place:
    """The place in a cursor. Raises RefusedRequest for one that this list has not given."""
    try:
        found = json.loads(b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True))
        if isinstance(found, list) and found[:1] == [order]:
            return kinds.validate_python(tuple(found[1:]))
    except (ValueError, RecursionError, ValidationError):
        pass
    raise RefusedRequest(
        422, "`after` is no `next` of this list in this order; begin without it", code="bad_cursor"
    ) from None


def page(
    connection: Connection, query: Select[Any], order: Order, paged: Paged
) -> tuple[Sequence[RowMapping], str | None]:
    """The rows of a page, and the cursor of the next; None where there is none."""
    if paged.after is not None:
        place = place_in(paged.after, order.name, order.kinds)
        query = query.where(behind(order.columns, place, descending=order.descending))
    sorts = [column.desc() if order.descending else column.asc() for column in order.columns]
    rows = connection.execute(query.order_by(*sorts).limit(paged.limit + 1)).mappings().all()
    return cut(rows, paged.limit, lambda row: cursor(order.name, tuple(row[column.name] for column in order.columns)))


def behind(columns: Sequence[Column[Any]], place: Place, *, descending: bool = False) -> ColumnElement[bool]:
    """Whether a row comes after the place: both databases find it in an index, by all columns at once."""
    row = tuple_(*columns)
    values = tuple_(*[literal(value, column.type) for value, column in zip(place, columns, strict=True)])
    return row < values if descending else row > values


def cut(
    rows: Sequence[RowMapping], limit: int, cursor_behind: Callable[[RowMapping], str]
) -> tuple[Sequence[RowMapping], str | None]:
    """So many rows at most, and the cursor behind them where there are more."""
    return rows[:limit], cursor_behind(rows[limit - 1]) if len(rows) > limit else None


def as_asked(query: Select[Any], asked: Paged, *names: str) -> Select[Any]:
    """Where the columns have the values that were asked for; all rows where none was."""
    columns = query.selected_columns
    wanted = {name: getattr(asked, name) for name in names}
    return query.where(*[columns[name] == value for name, value in wanted.items() if value is not None])
