"""Records of the clock: what starts, stops and moves it, and what it tells."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.record_fields import ConversationKey, Instant, MentionType, MissCause, Name, Record, SlaTarget


class TargetTimes(Record):
    """When a target is at risk and due."""

    at_risk_at: Instant
    at_risk_again: tuple[Instant, ...] = ()
    due_at: Instant


class TargetMinutes(Record):
    """A target whose due time is found by the clock, since it pauses or carries elapsed time over.

    `at_risk` are levels, as minutes of elapsed time, rising.
    """

    target: SlaTarget
    minutes: Annotated[int, Field(gt=0)]
    at_risk: tuple[Annotated[int, Field(ge=0)], ...] = ()


class TimerStart(Record):
    """Starts the clock of a target.

    `first_response` stands for a message of the customer: it opens the conversation's case, or, in a case that is
    open, starts its `next_response` if nothing is waiting for an answer already. A desk target has a cycle a mention.
    """

    record: Literal["timer_start"] = "timer_start"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    target: SlaTarget
    mention: Name
    """Id of the mention that is to be answered."""
    brand: Name
    type: MentionType
    team: Name
    started_at: Instant
    at_risk_at: Instant
    at_risk_again: tuple[Instant, ...] = ()
    """Further levels, rising."""
    due_at: Instant
    policy: Name
    calendar: Name = "24x7"
    """Content hash of the calendar in which the minutes count."""
    minutes: Annotated[int, Field(gt=0)] | None = None
    """The target, in the calendar's open time."""
    received_at: Instant | None = None
    next_response: TargetTimes | None = None
    """Counted from this message; None where a later message of this type asks for no answer."""
    resolution: TargetMinutes | None = None
    reopen_days: Annotated[int, Field(ge=0)] | None = None
    """How long after its resolution a message still belongs to the same case."""
    priority: Annotated[int, Field(ge=1, le=5)] | None = None
    """That which decided on the targets; None: that of the type."""


class TimerRespond(Record):
    """The brand answered in public, at the channel's time, clamped to received if later."""

    record: Literal["timer_respond"] = "timer_respond"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    reply: Name
    responded_at: Instant
    automatic: bool = False
    """Posted by a program and approved by nobody: kept on record, but no answer."""
    desk_reply: Name | None = None
    """The desk's id of it, where the desk has published it."""


class TimerStop(Record):
    """A person finished what the target asked for: resolved the case, reviewed, approved or accepted."""

    record: Literal["timer_stop"] = "timer_stop"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    target: Literal["resolution", "review", "approval", "escalation_ack"]
    mention: Name
    """The mention of the cycle; of a resolution, the one that opened the case."""
    stopped_at: Instant


class TimerCancel(Record):
    """Nobody need answer the mention: it is spam, or is owed no answer. Ends every open cycle of it."""

    record: Literal["timer_cancel"] = "timer_cancel"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    mention: Name
    cancelled_at: Instant
    reason: Name


class TimerSupersede(Record):
    """Another type, team or policy now holds for the mention: its open cycles end as superseded, and new ones go on
    with the time that has elapsed."""

    record: Literal["timer_supersede"] = "timer_supersede"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    mention: Name
    type: MentionType
    team: Name
    policy: Name
    calendar: Name = "24x7"
    targets: tuple[TargetMinutes, ...]
    """Open cycles of targets that are not named stay as they are."""
    superseded_at: Instant
    reason: Name
    priority: Annotated[int, Field(ge=1, le=5)] | None = None
    """That which decided on the targets; None: as before."""


class TimerOwner(Record):
    """Who has the conversation now: what the causes of misses are found from."""

    record: Literal["timer_owner"] = "timer_owner"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    owner: Name | None
    """A person; None while it waits in a queue."""
    on_shift: bool = True
    """Whether anybody who could take it is on shift."""
    since: Instant


SlaEventKind = Literal[
    "started", "at_risk", "breached", "met", "cancelled", "superseded", "breach_corrected", "reopened"
]


class SlaEvent(Record):
    """A step in the life of a cycle.

    Its id derives from (conversation, target, cycle, kind): a repeat has the same.
    Each cycle has one `started`, at most one `at_risk` a level, and exactly one verdict: `met`, `breached`, `cancelled`
    or `superseded`. A breach is followed by `breach_corrected`, at most once, where a reply turns out to have been in
    time; `reopened` tells of a case that a customer took up again.
    """

    record: Literal["sla_event"] = "sla_event"
    version: Literal[1] = 1
    id: Name
    kind: SlaEventKind
    conversation: ConversationKey
    target: SlaTarget
    cycle: Name
    mention: Name
    brand: Name
    type: MentionType
    team: Name
    started_at: Instant
    due_at: Instant
    at: Instant
    """When it became so: the start, the moment at risk, the due time, or the reply's time."""
    decided_at: Instant | None = None
    """The tick that had been seen last; none before the first."""
    reply: Name | None = None
    policy: Name
    calendar: Name = "24x7"
    elapsed_ms: int | None = None
    """Milliseconds of open, unpaused time from the start to `at`; of verdicts."""
    level: int | None = None
    """Of `at_risk`: which of its levels, from 1."""
    cause: MissCause | None = None
    """Of `at_risk` and `breached`."""
    breach: Name | None = None
    """Of `breach_corrected`: the id of the breach."""
    linked: Name | None = None
    """The mention that opened the conversation's case before this one."""
    reason: Name | None = None
    """Of `cancelled` and `superseded`: what was said."""
