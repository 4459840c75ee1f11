"""What is said to the desk on `desk-inbox`, beside verdicts, public replies and ticks: messages, commands, people.

Commands are one record with one of several actions: who says it and when is the same for all.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.record_fields import (
    MAX_TEXT_CHARACTERS,
    ConversationKey,
    Instant,
    Language,
    MentionType,
    Name,
    Record,
    RiskFlag,
    Sentiment,
)

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
"""ISO 4217."""
DeskText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
MAX_AMOUNT = 10**12


class DeskInbound(Record):
    """A routed mention as the desk needs it: whose it is and what it is about, without its text.

    Its clock is that of its timer start; a doubtful mention that is spam at first sight has none.
    """

    record: Literal["desk_inbound"] = "desk_inbound"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    mention: Name
    brand: Name
    type: MentionType
    sentiment: Sentiment
    risk_flags: tuple[RiskFlag, ...] = ()
    needs_review: bool
    author_verified: bool = False
    language: Language = "und"
    """`und` where it can't be told."""
    team: Name
    queue: Name
    """What holds it until a person takes it."""
    priority: Annotated[int, Field(ge=1, le=5)]
    """1 is the most pressing."""
    policy: Name
    posted_at: Instant
    """Event time, clamped to received if later."""
    received_at: Instant
    due_at: Instant | None = None
    """Of the first response, if this mention opens the case."""
    next_due_at: Instant | None = None
    """Of the next response, if it doesn't; None where a later message of this type asks for no answer."""


class Promised(Record):
    """What a reply promises: an action that the policy knows, and of what it gives away, how much."""

    action: Name
    amount: Annotated[int, Field(gt=0, le=MAX_AMOUNT)] | None = None
    """In the currency's smallest unit, such as cents."""
    currency: Currency | None = None


class Claim(Record):
    """Nobody else may answer while it lasts. Claiming again prolongs it."""

    do: Literal["claim"] = "claim"


class Release(Record):
    """Gives the conversation back to its queue."""

    do: Literal["release"] = "release"


class TakeOver(Record):
    """Claims what somebody else holds; it is recorded, and the other's reply that is not yet public is withdrawn."""

    do: Literal["take_over"] = "take_over"
    reason: Name


class Reply(Record):
    """A public answer. `token` and `last_inbound` are the fence: the claim, and what its author saw."""

    do: Literal["reply"] = "reply"
    token: Name
    last_inbound: Name
    """The mention that the author saw last."""
    follows: Name | None = None
    """The reply that this one adds to, where the mention has been answered already: its author has seen it."""
    text: DeskText
    promises: tuple[Promised, ...] = ()


class Undo(Record):
    """Takes back a reply that is not yet handed on."""

    do: Literal["undo"] = "undo"
    reply: Name


class Resolve(Record):
    do: Literal["resolve"] = "resolve"
    last_inbound: Name
    """As of a reply: what the person saw last."""


class Reopen(Record):
    do: Literal["reopen"] = "reopen"


class Snooze(Record):
    """Lets the conversation rest until then, or until the customer writes."""

    do: Literal["snooze"] = "snooze"
    until: Instant


class Note(Record):
    """For the desk's own eyes."""

    do: Literal["note"] = "note"
    text: DeskText


class Label(Record):
    """What a mention is, as a person sees it: ends its review, and routes it again."""

    do: Literal["label"] = "label"
    mention: Name
    type: MentionType
    risk_flags: tuple[RiskFlag, ...] | None = None
    """None leaves them as they are."""


class Assign(Record):
    """Gives a conversation that is nobody's to a person."""

    do: Literal["assign"] = "assign"
    to: Name


class Approve(Record):
    do: Literal["approve"] = "approve"
    reply: Name


class Reject(Record):
    do: Literal["reject"] = "reject"
    reply: Name
    reason: Name


class Acknowledge(Record):
    """Accepts an escalation: it climbs no further while somebody works on it."""

    do: Literal["acknowledge"] = "acknowledge"
    escalation: Name


Action = (
    Claim
    | Release
    | TakeOver
    | Reply
    | Undo
    | Resolve
    | Reopen
    | Snooze
    | Note
    | Label
    | Assign
    | Approve
    | Reject
    | Acknowledge
)


class DeskCommand(Record):
    """What a person, or a program under its own name, wants done. The same id again gets the same answer."""

    record: Literal["desk_command"] = "desk_command"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    by: Name
    """Id of the person, as whoever took the command in has made sure."""
    sent_at: Instant
    action: Annotated[Action, Field(discriminator="do")]


Hours = Annotated[str, Field(pattern="^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")]
"""Such as `09:00-12:30`, or `22:00-06:00`, in local time; `24:00` is the end of the day."""


class WeekHours(Record):
    """The intervals of each day, on the day on which they start."""

    mon: tuple[Hours, ...] = ()
    tue: tuple[Hours, ...] = ()
    wed: tuple[Hours, ...] = ()
    thu: tuple[Hours, ...] = ()
    fri: tuple[Hours, ...] = ()
    sat: tuple[Hours, ...] = ()
    sun: tuple[Hours, ...] = ()


class Shift(Record):
    """When somebody works: a calendar of the policy by its name, or hours of their own in a time zone."""

    calendar: Name | None = None
    timezone: Name | None = None
    """An IANA time zone, such as Europe/Berlin."""
    open: WeekHours | None = None


class Away(Record):
    """From `since` up to but without `until`."""

    since: Instant
    until: Instant


class Person(Record):
    """Who may say something to the desk. A person who has left is kept, inactive.

    Written to every partition of `desk-inbox`, as ticks are: who may do what is then part of the one log. What says who
    is asked to take what restricts nothing where it is left out.
    """

    record: Literal["person"] = "person"
    version: Literal[1] = 1
    id: Name
    name: Name
    role: Name
    """A key of the policy's `roles`."""
    teams: tuple[Name, ...] = ()
    active: bool = True
    capacity: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """How many open conversations they are given at most, of those in which somebody waits."""
    skills: tuple[Name, ...] = ()
    """Types of mention, and words that the policy asks for."""
    languages: tuple[Language, ...] = ()
    shift: Shift | None = None
    """None: always."""
    away: tuple[Away, ...] = ()
