"""What becomes of a row when another record says something of it.

Records of different topics come in any order, and some come twice: whatever the order, the row is the same in the end.
Each rule is there twice, for rows in memory and for those in the database; a test holds that both are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, case, func, literal_column

from console.tables import (
    COMMANDS,
    CONVERSATIONS,
    DEAD_LETTERS,
    ESCALATIONS,
    INCIDENT_MEMBERS,
    INCIDENTS,
    LABELS,
    PEOPLE,
    POSTS,
    REPLIES,
    TIMERS,
    TRAIL,
)

Row = dict[str, Any]
"""What SQL takes: a value a column. JSON is text already."""


class ColumnRule(NamedTuple):
    """Of the old and the new value, which stands. `in_sql` is None where that is always the old one."""

    in_memory: Callable[[Any, Any], Any]
    in_sql: Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]] | None


LATEST: Final = ColumnRule(lambda _old, new: new, lambda _old, new: new)
FIRST: Final = ColumnRule(lambda old, _new: old, None)
KNOWN: Final = ColumnRule(lambda old, new: old if new is None else new, lambda old, new: func.coalesce(new, old))
"""The latest that says anything."""
MOST: Final = ColumnRule(max, lambda old, new: case((new > old, new), else_=old))


def furthest(states: Sequence[str]) -> ColumnRule:
    """Never back in the order of the states."""
    rank = {state: number for number, state in enumerate(states)}
    # Spelled out, as parameters they would travel with every row.
    spelled: list[tuple[Any, Any]] = [
        (literal_column(f"'{state}'"), literal_column(str(number))) for state, number in rank.items()
    ]
    return ColumnRule(
        lambda old, new: new if rank[new] >= rank[old] else old,
        lambda old, new: case((case(*spelled, value=new) >= case(*spelled, value=old), new), else_=old),
    )


MENTION_STATES: Final = ("taken_in", "classified", "spam", "dead_letter", "routed")
"""A mention that was sent again, after what stood against it was mended, is routed in the end."""
REPLY_STATES: Final = (
    "held",
    "pending",
    "approved",
    "undone",
    "rejected",
    "withdrawn",
    "handed_on",
    "uncertain",
    "failed",
    "published",
)
INCIDENT_STATES: Final = ("proposed", "confirmed", "dismissed", "closed")
MEMBER_STATES: Final = ("joined", "accepted", "answered", "skipped")
TIMER_STATES: Final = ("running", "superseded", "cancelled", "met", "breached")

_RULES: Final[Mapping[Table, tuple[ColumnRule, Mapping[str, ColumnRule]]]] = {
    POSTS: (
        FIRST,
        {
            **dict.fromkeys(("type", "sentiment", "confidence", "needs_review", "risk_flags", "language"), KNOWN),
            "state": furthest((*MENTION_STATES, "public")),
        },
    ),
    LABELS: (LATEST, {}),
    DEAD_LETTERS: (FIRST, {}),
    TIMERS: (
        LATEST,
        {
            **dict.fromkeys(("conversation", "target", "cycle", "mention", "brand", "started_at"), FIRST),
            **dict.fromkeys(("at_risk_levels", "corrected"), MOST),
            **dict.fromkeys(("ended_at", "cause"), KNOWN),
            "state": furthest(TIMER_STATES),
        },
    ),
    CONVERSATIONS: (LATEST, {"opened_at": FIRST, "brand": FIRST, "channel": FIRST, "thread": FIRST}),
    REPLIES: (
        FIRST,
        {
            **dict.fromkeys(("mention", "promises", "approved_by", "reason"), KNOWN),
            "state": furthest(REPLY_STATES),
            "changed_at": LATEST,
        },
    ),
    ESCALATIONS: (LATEST, {"started_at": FIRST, "holding_reply": KNOWN}),
    INCIDENTS: (
        LATEST,
        {
            **dict.fromkeys(("brand", "type", "spike", "title", "proposed_at"), FIRST),
            **dict.fromkeys(("confirmed_by", "approved_by", "reason"), KNOWN),
            # A command that is repeated is told again, with the incident as it stood after it.
            "status": furthest(INCIDENT_STATES),
            "changed_at": MOST,
        },
    ),
    INCIDENT_MEMBERS: (
        LATEST,
        {
            **dict.fromkeys(("incident", "conversation", "joined_at"), FIRST),
            "state": furthest(MEMBER_STATES),
            "reason": KNOWN,
        },
    ),
    TRAIL: (FIRST, {}),
    COMMANDS: (FIRST, {}),  # what was told first stands: a repeat that is too old to tell says nothing of it
    PEOPLE: (LATEST, {}),
}
"""By table: the rule of most columns, and those of the others."""
FROM_THE_LOG: Final = tuple(_RULES)
"""The tables that can be folded again, in the order in which they are written."""


def rule_of(table: Table, column: str) -> ColumnRule:
    usual, others = _RULES[table]
    return others.get(column, usual)


def merged(table: Table, old: Row, new: Row) -> Row:
    """One row of two with the same key."""
    usual, others = _RULES[table]
    return {name: others.get(name, usual).in_memory(value, new[name]) for name, value in old.items()}
