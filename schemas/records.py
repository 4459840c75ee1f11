"""What travels on the topics: frozen, versioned records.

Every record names itself (`record`) and its version, so that its JSON is self-contained: a consumer needs no
header to read it. Unknown fields are ignored, so that a newer writer may add optional ones; a changed meaning
needs a new version.
Instants are timezone-aware and travel as ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.desk_events import ConversationChanged, DeskAnswer, EscalationChanged, ReplyToPublish
from schemas.desk_records import DeskCommand, DeskInbound, Person
from schemas.incident_records import IncidentChanged, IncidentCommand, IncidentProposed
from schemas.outcomes import NotificationFailed, NotificationSent, PublishIntent, PublishOutcome, ReplyOutcome
from schemas.record_fields import (
    MAX_KEY_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    ClassifierMode,
    DeskTarget,
    Instant,
    Language,
    MentionType,
    MissCause,
    Name,
    Record,
    RiskFlag,
    Sentiment,
    SlaTarget,
    Urgency,
)
from schemas.timer_records import (
    SlaEvent,
    SlaEventKind,
    TargetMinutes,
    TargetTimes,
    TimerCancel,
    TimerOwner,
    TimerRespond,
    TimerStart,
    TimerStop,
    TimerSupersede,
)

__all__ = [
    "MAX_KEY_CHARACTERS",
    "MAX_NAME_CHARACTERS",
    "MAX_TEXT_CHARACTERS",
    "AnyRecord",
    "ClassifierMode",
    "DeskTarget",
    "Instant",
    "MentionType",
    "MissCause",
    "Name",
    "Record",
    "RiskFlag",
    "Sentiment",
    "SlaEvent",
    "SlaEventKind",
    "SlaTarget",
    "TargetMinutes",
    "TargetTimes",
    "TimerCancel",
    "TimerOwner",
    "TimerRespond",
    "TimerStart",
    "TimerStop",
    "TimerSupersede",
    "Urgency",
]
"""What is imported from here although it is said in `record_fields` or `timer_records`, and all records in one."""


class Mention(Record):
    """A public post by someone outside that names the brand."""

    record: Literal["mention"] = "mention"
    version: Literal[1] = 1
    id: Name
    brand: Name
    channel: Name
    thread: Name
    """The channel's id of the thread: with brand and channel it makes the conversation."""
    post: Name
    """The channel's own id of this post."""
    author: Name
    author_followers: Annotated[int, Field(ge=0)] | None = None
    author_verified: bool = False
    text: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
    url: str | None = None
    posted_at: Instant
    """Event time, on the channel."""
    received_at: Instant
    """When it reached the gateway."""


class PublicReply(Record):
    """A public post by the brand itself in a conversation."""

    record: Literal["public_reply"] = "public_reply"
    version: Literal[1] = 1
    id: Name
    brand: Name
    channel: Name
    thread: Name
    post: Name
    author: Name
    automatic: bool = False
    """Posted by a program and approved by nobody."""
    text: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
    url: str | None = None
    posted_at: Instant
    received_at: Instant
    reply: Name | None = None
    """The desk's id of it, where the desk has published it."""


class Tick(Record):
    """Time as a message: every fact before `at` stands before this record in its partition."""

    record: Literal["tick"] = "tick"
    version: Literal[1] = 1
    at: Instant


class Classification(Record):
    """What the classifier found. `confidence` is the calibrated probability of the type, 0 to 1."""

    type: MentionType
    sentiment: Sentiment
    urgency: Urgency
    confidence: Annotated[float, Field(ge=0, le=1)]
    needs_review: bool
    review_reason: Name | None = None
    """Why a person looks again, where one does."""
    risk_flags: tuple[RiskFlag, ...] = ()
    """Sorted. Raised by rules; never cleared."""
    language: Language = "und"
    """`und` where it can't be told."""
    reason: Name
    """What decided on the type."""
    model: Name
    """Name and hash of the model. Where a second one read the text again: of both, `first > second`."""
    mode: ClassifierMode = "one_stage"
    """How the classifier worked then. Whether it read this very text again, `model` says."""


class ClassifiedMention(Record):
    record: Literal["classified_mention"] = "classified_mention"
    version: Literal[1] = 1
    id: Name
    mention: Mention
    classification: Classification


class Routing(Record):
    """Who answers, and how soon. Owner is the queue at first; a person takes it from there."""

    team: Name
    owner: Name
    priority: Annotated[int, Field(ge=1, le=5)]
    """1 is the most pressing."""
    first_response_minutes: Annotated[int, Field(gt=0)] | None
    policy: Name
    """Content hash of the policy that decided."""
    reason: Name


class RoutedMention(Record):
    record: Literal["routed_mention"] = "routed_mention"
    version: Literal[1] = 1
    id: Name
    mention: Mention
    classification: Classification
    routing: Routing


class PolicyVersion(Record):
    """A policy as cycles name it, with all that they need of it."""

    record: Literal["policy_version"] = "policy_version"
    version: Literal[1] = 1
    id: Name
    """Its content hash."""
    policy: dict[str, Any]
    calendars: dict[str, dict[str, Any]]
    """By content hash, holidays expanded to dates, so that no package is needed to count with them again."""


class MentionCount(Record):
    """How many mentions of one batch were alike: a partial count, to be added up.

    Its id derives from the batch (topic, partition, offsets) and from what is counted: a repeat has the same.
    """

    record: Literal["mention_count"] = "mention_count"
    version: Literal[1] = 1
    id: Name
    brand: Name
    type: MentionType
    sentiment: Sentiment
    minute: Instant
    """The start of the minute in which they were posted."""
    count: Annotated[int, Field(ge=1)]
    partition: Annotated[int, Field(ge=0)]
    """Of `mentions-classified`, as are the offsets of the batch's first and last record."""
    first_offset: Annotated[int, Field(ge=0)]
    last_offset: Annotated[int, Field(ge=0)]


class CountedUntil(Record):
    """Time for the counts: every mention that stands before the tick of `at` in the partition of
    `mentions-classified` is counted before this record."""

    record: Literal["counted_until"] = "counted_until"
    version: Literal[1] = 1
    id: Name
    partition: Annotated[int, Field(ge=0)]
    at: Instant


class SpikeDetected(Record):
    """Far more mentions of a kind in a window than in the windows before. Told once, until it has calmed down.

    Its id derives from (brand, type, sentiment, window): a repeat has the same.
    """

    record: Literal["spike_detected"] = "spike_detected"
    version: Literal[1] = 1
    id: Name
    brand: Name
    type: MentionType
    sentiment: Sentiment | None
    """None: of any sentiment."""
    window_start: Instant
    window_end: Instant
    """The first instant after the window."""
    count: Annotated[int, Field(ge=1)]
    baseline: Annotated[float, Field(gt=0)]
    """Mentions that a window of this length has had before, on average."""
    ratio: Annotated[float, Field(gt=0)]
    """`count` / `baseline`."""
    decided_at: Instant
    """The time up to which all mentions had been counted."""
    policy: Name


class DeadLetter(Record):
    """A record that a stage could not read or decide, kept as it was."""

    record: Literal["dead_letter"] = "dead_letter"
    version: Literal[1] = 1
    id: Name
    stage: Name
    topic: Name
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    key: bytes | None
    value: bytes | None
    """The original bytes; base64 in JSON."""
    error: Name
    """The error's type."""
    message: Annotated[str, Field(max_length=1000)]
    failed_at: Instant


AnyRecord = (
    Mention
    | PublicReply
    | Tick
    | ClassifiedMention
    | RoutedMention
    | TimerStart
    | TimerRespond
    | TimerStop
    | TimerCancel
    | TimerSupersede
    | TimerOwner
    | SlaEvent
    | PolicyVersion
    | MentionCount
    | CountedUntil
    | SpikeDetected
    | DeskInbound
    | DeskCommand
    | Person
    | DeskAnswer
    | ConversationChanged
    | EscalationChanged
    | ReplyToPublish
    | IncidentProposed
    | IncidentCommand
    | IncidentChanged
    | PublishIntent
    | PublishOutcome
    | ReplyOutcome
    | NotificationSent
    | NotificationFailed
    | DeadLetter
)
