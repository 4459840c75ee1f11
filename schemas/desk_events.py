"""What the desk tells on `desk-events`: answers to commands, what became of conversations, escalations, and replies to
publish."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.desk_records import DeskText, Label, Promised
from schemas.record_fields import ConversationKey, Instant, Language, MentionType, Name, Record

ActionName = Literal[
    "claim",
    "release",
    "take_over",
    "reply",
    "undo",
    "resolve",
    "reopen",
    "snooze",
    "note",
    "label",
    "assign",
    "approve",
    "reject",
    "acknowledge",
]
AnswerCode = Literal[
    "accepted",
    "held_for_approval",
    "above_authority",
    "already_acknowledged",
    "already_answered",
    "already_assigned",
    "bad_time",
    "claimed_by_other",
    "closed",
    "customer_wrote_again",
    "in_review",
    "no_claim",
    "not_allowed",
    "not_closed",
    "own_reply",
    "reply_pending",
    "stale",
    "unknown_conversation",
    "unknown_escalation",
    "unknown_mention",
    "unknown_person",
    "unknown_reply",
    "unknown_role",
    "wrong_token",
]
"""The first two accept. docs/desk.md says what to do about each of the others."""


class Fence(Record):
    """What a reply is held against, after the command."""

    token: Name | None = None
    """Of the claim that holds now."""
    holder: Name | None = None
    expires_at: Instant | None = None
    last_inbound: Name
    last_reply: Name | None = None
    """The reply that the last message has got already."""


class DeskAnswer(Record):
    """Whether a command was accepted, and why not. Its id derives from the command's: a repeat has the same answer."""

    record: Literal["desk_answer"] = "desk_answer"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    command: Name
    action: ActionName
    by: Name
    accepted: bool
    code: AnswerCode
    reason: Name
    """In a sentence, for people."""
    fence: Fence | None = None
    """None where the desk does not know the conversation."""
    reply: Name | None = None
    """Of an accepted reply: its id."""
    at: Instant
    """Log time, as of all that the desk tells."""


ConversationStatus = Literal["open", "resolved", "spam"]
ChangeKind = Literal[
    "opened",
    "customer_wrote",
    "claimed",
    "prolonged",
    "claim_expired",
    "released",
    "taken_over",
    "assigned",
    "owner_silent",
    "owner_left",
    "reply_accepted",
    "reply_held",
    "reply_approved",
    "reply_rejected",
    "reply_undone",
    "reply_withdrawn",
    "reply_handed_on",
    "reply_published",
    "reply_failed",
    "reply_uncertain",
    "answered_elsewhere",
    "noted",
    "labelled",
    "snoozed",
    "woken",
    "resolved",
    "fell_quiet",
    "reopened",
]


class ConversationChanged(Record):
    """One thing that happened to a conversation, and how it stands after it."""

    record: Literal["conversation_changed"] = "conversation_changed"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    kind: ChangeKind
    cause: Name
    """Id of the record that it follows from; of what time brings about, of what had begun then."""
    by: Name | None = None
    at: Instant
    reason: Name | None = None
    status: ConversationStatus
    type: MentionType
    language: Language = "und"
    team: Name
    queue: Name
    owner: Name | None
    """A person; None while its queue owns it."""
    holder: Name | None
    """Who has claimed it."""
    priority: Annotated[int, Field(ge=1, le=5)]
    last_inbound: Name
    waiting: bool
    """Whether the customer waits for an answer."""
    in_review: int
    """Mentions that wait for their label."""
    snoozed_until: Instant | None = None
    reply: Name | None = None
    """Of what is about a reply: its id."""
    command: Name | None = None
    """Of what becomes of a reply: the command that gave it."""
    text: DeskText | None = None
    """Of a note, and of a reply that is accepted or held."""
    promises: tuple[Promised, ...] = ()
    label: Label | None = None


class ReplyToPublish(Record):
    """An answer that nothing stands against any more. Its id is the key that makes posting it twice impossible."""

    record: Literal["reply_to_publish"] = "reply_to_publish"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    brand: Name
    mention: Name
    """The message that it answers, the last that its author saw."""
    text: DeskText
    author: Name
    approved_by: Name | None = None
    at: Instant


EscalationKind = Literal["started", "climbed", "reminded", "acknowledged", "unacknowledged", "at_last_step", "closed"]
Trigger = Literal[
    "above_authority",
    "at_risk",
    "breached",
    "owner_silent",
    "churn_threat",
    "legal_threat",
    "press_or_influencer",
    "refund_request",
    "safety",
    "security_or_fraud",
    "self_harm_or_violence",
]
"""What an escalation may start from: what the desk finds, what the clock says, a mention's risk flags."""


class EscalationChanged(Record):
    """A step of an escalation. `started`, `climbed`, `reminded` and `unacknowledged` ask for somebody to be told."""

    record: Literal["escalation_changed"] = "escalation_changed"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    escalation: Name
    kind: EscalationKind
    trigger: Trigger
    mention: Name
    step: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1)]
    role: Name
    """Who is told at this step, and how."""
    team: Name
    channel: Name
    until: Instant | None = None
    """When it climbs on, or, acknowledged, when it stops being so."""
    holding_reply: DeskText | None = None
    """Of `started`: what the public may be told meanwhile."""
    by: Name | None = None
    reason: Name | None = None
    at: Instant


DeskTold = DeskAnswer | ConversationChanged | ReplyToPublish | EscalationChanged
