"""How the desk keeps one conversation.

Behind the head (`domain/state_head.py`) follows a `Conversation` as MessagePack. All times are milliseconds since 1970
of log time, if not said otherwise.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct, ValidationError
from msgspec.msgpack import Decoder, Encoder

from domain.state_head import PERSON, SIZE, TICK, StateError, head
from schemas.desk_events import ActionName, AnswerCode, Trigger
from schemas.record_fields import MentionType, RiskFlag, Sentiment

VERSION: Final = 1


class Kind(IntEnum):
    TICK = TICK
    CONVERSATION = 1
    PERSON = PERSON


class Status(IntEnum):
    OPEN = 0
    RESOLVED = 1
    SPAM = 2


class Climb(IntEnum):
    CLIMBING = 0
    ACKNOWLEDGED = 1
    AT_LAST_STEP = 2
    """Everybody on the path has been told, and nobody has acknowledged."""


class Message(Struct, array_like=True):
    """A mention, as far as routing it again needs it."""

    mention: str
    type: MentionType
    sentiment: Sentiment
    flags: list[RiskFlag]
    verified: bool
    posted: int
    """Event time."""
    received: int
    arrived: int
    doubtful: bool
    """Waits for its label."""
    waits: bool
    """Its author waits for an answer."""
    timed: bool
    """Has a clock."""
    language: str = "und"


class Claim(Struct, array_like=True):
    token: str
    holder: str
    expires: int


class Promise(NamedTuple):
    """What a reply promises; see `schemas.desk_records.Promised`."""

    action: str
    amount: int | None
    currency: str | None


class Draft(Struct, array_like=True):
    """A reply that is not public yet: in its undo window, or held for approval."""

    id: str
    author: str
    text: str
    promises: list[Promise]
    mention: str
    """The message that it answers."""
    ready: int | None
    """When it is handed on; None while it is held."""
    approved_by: str = ""
    command: str = ""
    """Whose effect it is."""


class Handed(Struct, array_like=True):
    """A reply that was handed on, of which nobody knows yet whether it is public."""

    id: str
    author: str
    mentions: list[str]
    """Those that it answers: all that waited for it, else the last."""
    until: int
    """Event time of the latest message that its author can have seen."""
    before: str
    """The reply that the last message had before."""
    owed: list[tuple[Trigger, str]] = []
    """Escalations, each with its mention, that ended with it or did not start because of it."""


class PathStep(NamedTuple):
    """`length`: milliseconds until the next."""

    role: str
    team: str
    channel: str
    length: int


class Escalation(Struct, array_like=True):
    """A path, frozen when it started, and how far it has climbed."""

    id: str
    trigger: Trigger
    mention: str
    path: list[PathStep]
    remind_after: int | None
    """Milliseconds from a step to its reminder."""
    acknowledged_for: int
    """Milliseconds that an acknowledgement lasts."""
    step: int
    climb: int
    until: int
    """When it climbs on, or is no longer acknowledged; `NEVER` at its last step."""
    remind: int | None = None
    acknowledged_by: str = ""


class Serving(NamedTuple):
    """The response that is owed now, which the desk's own targets are carved from."""

    minutes: int
    started: int
    due: int
    calendar: str


class Answered(NamedTuple):
    """A command and what it was told. An empty string stands for none."""

    command: str
    action: ActionName
    by: str
    sent: int
    """By the clock of whoever sent it."""
    at: int
    code: AnswerCode
    reason: str
    token: str
    holder: str
    expires: int
    last_inbound: str
    last_reply: str
    reply: str


class Conversation(Struct, array_like=True):
    """All that the desk decides by. An empty string stands for none."""

    brand: str
    policy: str
    type: MentionType
    team: str
    queue: str
    priority: int
    routed_by: str
    """The mention that these come from."""
    opened: str
    """The mention that opened the case."""
    last_inbound: str
    touched: int
    """When anything happened last."""
    ended: int = 0
    """When it was resolved last."""
    last_reply: str = ""
    """The reply that answers the last message."""
    status: int = Status.OPEN
    owner: str = ""
    """A person; empty while the queue owns it."""
    owned_since: int = 0
    owner_acted: int = 0
    silent_at: int | None = None
    """When its owner will have been silent for too long."""
    claim: Claim | None = None
    draft: Draft | None = None
    snoozed_until: int | None = None
    snoozed_by: str = ""
    messages: list[Message] = []
    """The latest, in the order in which they came."""
    messages_until: int | None = None
    """Event time of the latest message that is no longer kept: one from before it is a repeat."""
    escalations: list[Escalation] = []
    escalated: list[str] = []
    """Ids of escalations that are over, which a repeated cause is known by; the latest."""
    answers: list[Answered] = []
    answers_until: int | None = None
    """When the latest command was sent that is no longer kept: one from before it may be a repeat."""
    served: Serving | None = None
    verdicts: list[str] = []
    """Ids of what the clock said, the latest."""
    answered_until: int | None = None
    """Event time of the brand's latest answer in public: messages from before it have their answer."""
    answered_by: str = ""
    language: str = "und"
    on_shift: bool = True
    """Whether anybody who could take it is on shift, as the clock was told last."""
    shift_changes: int | None = None
    """When that may be another; None while nobody waits."""
    told: str = ""
    """Id of the change that was told last."""
    handed: list[Handed] = []
    """Replies on their way to the public, in the order in which they were handed on."""
    posted: list[str] = []
    """Public replies that were the desk's own, the latest."""

    def waiting_since(self) -> int | None:
        """When the first message came that its author waits for an answer to."""
        return min((message.arrived for message in self.messages if message.waits), default=None)

    def in_review(self) -> int:
        return sum(message.doubtful for message in self.messages)

    def message(self, mention: str) -> Message | None:
        return next((message for message in self.messages if message.mention == mention), None)


_ENCODER: Final = Encoder()
_CONVERSATIONS: Final = Decoder(Conversation)


def encode_conversation(found: Conversation, moment: int) -> bytes:
    """The count of its head is 1 while the clock is told who is on shift: those that people's coming and going concerns
    are found without decoding all."""
    return head(VERSION, Kind.CONVERSATION, moment, found.shift_changes is not None) + _ENCODER.encode(found)


def decode_conversation(state: bytes) -> Conversation:
    """Raises StateError for bytes that are none."""
    try:
        return _CONVERSATIONS.decode(memoryview(state)[SIZE:])
    except (DecodeError, ValidationError) as error:
        raise StateError(f"a conversation that cannot be read ({error}): rebuild the state from the log") from None
