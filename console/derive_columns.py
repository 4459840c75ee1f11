"""Columns that follow from rows of several records, found anew for all that a batch has touched.

A record that comes before the row that it tells of makes no half of a row: what it says stands in a table of its own,
and is taken from there whenever either side changes. So it is the same whichever comes first.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from console.column_rules import Row
from console.row_changes import Changes
from console.tables import CONVERSATIONS, DEAD_LETTERS, INCIDENTS, LABELS, POSTS, TIMERS, TRAIL
from schemas.ids import INCIDENT

_POSTS: Final = POSTS.c
_CONVERSATIONS: Final = CONVERSATIONS.c
_TIMERS: Final = TIMERS.c
_TRAIL: Final = TRAIL.c
_KEYS: Final[BindParameter[Any]] = bindparam("keys", expanding=True)
_PROMISED: Final = ("first_response", "next_response", "resolution")
"""To the customer. Of the desk's own targets none is a breach that anybody outside would notice."""


def derive(connection: Connection, changes: Changes) -> None:
    """Call it in the transaction that has written the rows."""
    conversations = set(changes.rows[CONVERSATIONS])
    timed = conversations | {row["conversation"] for row in changes.rows[TIMERS].values()}
    if timed:
        connection.execute(_FIND_DUE, {"keys": sorted(timed)})
    letters = {row["mention"] for row in changes.rows[DEAD_LETTERS].values() if row["mention"] is not None}
    posts = set(changes.rows[POSTS]) | set(changes.rows[LABELS]) | letters
    if posts:
        _label(connection, posts)
        _end(connection, posts)
    _settle(connection, posts, conversations)
    stated = {row["conversation"].removeprefix(INCIDENT) for row in changes.rows[TRAIL].values() if _is_draft(row)}
    if stated:
        connection.execute(_TAKE_DRAFTS, {"keys": sorted(stated)})


def _is_draft(event: Row) -> bool:
    return (event["about"], event["kind"]) == ("incident", "stated")


def _label(connection: Connection, posts: Collection[str]) -> None:
    """What a person says of a mention stands above what the classifier said. The desk has it, or it is spam."""
    labels = connection.execute(select(LABELS).where(LABELS.c.mention.in_(_KEYS)), {"keys": sorted(posts)}).all()
    if labels:
        keys = {"keys": [label.mention for label in labels]}
        connection.execute(_TAKE_LABELS, keys)


def _end(connection: Connection, posts: Collection[str]) -> None:
    """A mention whose dead letter is the last that was heard of it."""
    connection.execute(_FIND_ENDS, {"keys": sorted(posts)})


def _settle(connection: Connection, posts: Collection[str], conversations: Collection[str]) -> None:
    if posts:
        connection.execute(_SETTLE_POSTS, {"keys": sorted(posts)})
    if conversations:
        connection.execute(_SETTLE_CONVERSATIONS, {"keys": sorted(conversations)})


def _label_of(column: str) -> ColumnElement[object]:
    return select(LABELS.c[column]).where(LABELS.c.mention == _POSTS.id).scalar_subquery()


_BREACHED: Final = and_(_TIMERS.state == "breached", ~_TIMERS.corrected, _TIMERS.target.in_(_PROMISED))
_DUE: Final = (
    select(
        _CONVERSATIONS.conversation.label("key"),
        # A resolution rests while nobody waits: it is due at no time then.
        func.min(
            case(
                (
                    and_(_TIMERS.state == "running", or_(_TIMERS.target != "resolution", _CONVERSATIONS.waiting)),
                    _TIMERS.due_at,
                )
            )
        ).label("due_at"),
        func.coalesce(func.sum(case((_BREACHED, 1), else_=0)), 0).label("breaches"),
    )
    .select_from(CONVERSATIONS.outerjoin(TIMERS, _TIMERS.conversation == _CONVERSATIONS.conversation))
    .where(_CONVERSATIONS.conversation.in_(_KEYS))
    .group_by(_CONVERSATIONS.conversation)
    .subquery("due")
)
_FIND_DUE: Final = (
    update(CONVERSATIONS)
    .where(_CONVERSATIONS.conversation == _DUE.c.key)
    .where(
        or_(_CONVERSATIONS.due_at.is_distinct_from(_DUE.c.due_at), _CONVERSATIONS.breaches != _DUE.c.breaches),
    )
    .values(due_at=_DUE.c.due_at, breaches=_DUE.c.breaches)
)
_TAKE_LABELS: Final = (
    update(POSTS)
    .where(_POSTS.id.in_(_KEYS))
    .values(
        type=_label_of("type"),
        risk_flags=func.coalesce(_label_of("risk_flags"), _POSTS.risk_flags),
        needs_review=false(),
        state=case((_label_of("type") == "spam", "spam"), else_="routed"),
    )
)
_FIND_ENDS: Final = (
    update(POSTS)
    .where(_POSTS.id.in_(_KEYS))
    .where(
        exists()
        .where(DEAD_LETTERS.c.mention == _POSTS.id)
        .where(or_(_POSTS.state != "routed", DEAD_LETTERS.c.stage == "desk"))
    )
    .values(state="dead_letter")
)
_OWNED: Final = and_(
    # What may be spam is the desk's alone until somebody has looked.
    or_(_POSTS.state == "routed", and_(_POSTS.type == "spam", _POSTS.needs_review)),
    exists().where(_CONVERSATIONS.conversation == _POSTS.conversation),
)
_SETTLE: Final = (
    update(POSTS)
    .where(_POSTS.settled == false())
    .where(or_(_POSTS.state.in_(("spam", "dead_letter")), _OWNED))
    .values(settled=true())
)
_SETTLE_POSTS: Final = _SETTLE.where(_POSTS.id.in_(_KEYS))
_SETTLE_CONVERSATIONS: Final = _SETTLE.where(_POSTS.conversation.in_(_KEYS))


def _of_last_draft(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A draft that is told again, since its command was repeated, keeps its place."""
    drafts = select(value).where(_TRAIL.conversation == literal(INCIDENT) + INCIDENTS.c.id, _TRAIL.kind == "stated")
    return drafts.order_by(_TRAIL.sequence.desc()).limit(1).scalar_subquery()


_TAKE_DRAFTS: Final = (
    update(INCIDENTS)
    .where(INCIDENTS.c.id.in_(_KEYS))
    .values(
        statement=_of_last_draft(_TRAIL.detail["statement"].as_string()),
        text=_of_last_draft(_TRAIL.detail["text"].as_string()),
        stated_by=_of_last_draft(_TRAIL.by),
    )
)
