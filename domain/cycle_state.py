"""How the clock keeps one conversation.

Packed bytes hold a million open cycles in a third of the memory of objects, and are never walked by the garbage
collector. Behind the head (`domain/state_head.py`) follows, as MessagePack, a `Case`, or the list of replies that came
before anything was asked. The head counts open cycles; its moment is when a cycle is next at risk or due; without a
running cycle, when the state is forgotten.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct, ValidationError
from msgspec.msgpack import Decoder, Encoder

from domain.state_head import SIZE, TICK, StateError, count_of, head
from schemas.records import MentionType, SlaTarget

VERSION: Final = 2
_MOST_COUNTED: Final = 255


class Kind(IntEnum):
    TICK = TICK
    CASE = 1
    REPLIES = 2


class Status(IntEnum):
    RUNNING = 0
    PAUSED = 1
    """A resolution while the customer has the word; it stands where `since` says."""
    BREACHED = 2
    """Kept for a while: a reply may yet turn up that was in time."""


class Reply(NamedTuple):
    """A public reply; sorts by time. Milliseconds since 1970."""

    at: int
    id: str


class Cycle(Struct, array_like=True):
    """One run of a target's clock: what its events will say. Times in milliseconds since 1970, lengths too."""

    target: SlaTarget
    mention: str
    brand: str
    type: MentionType
    team: str
    policy: str
    calendar: str
    started: int
    due: int
    risks: list[int]
    """When it is at risk, for the levels not yet told."""
    budget: int
    """The target as open time."""
    levels: list[int]
    """All levels as elapsed time, for a cycle that pauses; else none, and `told` counts alone."""
    elapsed: int
    """Open time before `since`."""
    since: int
    status: int = Status.RUNNING
    told: int = 0
    """Levels told or passed."""
    origin: str = ""
    """The record that superseded the cycle before, if one did."""
    late_ingest: bool = False
    priority: int | None = None
    """That which decided on the target; None: that of the type."""


class Ownership(NamedTuple):
    """Who had the conversation from then on; nobody: None."""

    since: int
    owner: str | None
    on_shift: bool


class Ended(NamedTuple):
    """A desk cycle that is over, and when it ran."""

    cycle: str
    target: str
    started: int
    stopped: int


class Case(Struct, array_like=True):
    """What the brand owes one customer: the cycles that run, and what decides on the next."""

    opened: str
    """The mention that opened it; empty where only the desk's own targets are known, or it was cancelled."""
    linked: str = ""
    """The mention that opened the case before."""
    waiting_since: int | None = None
    """Time of the first message without an answer."""
    answered_until: int | None = None
    """Messages up to this time are answered, or need no answer."""
    cycles: list[Cycle] = []
    pending: list[Cycle] = []
    """The next responses to messages behind the one that waits, by time."""
    owners: list[Ownership] = []
    ended: list[Ended] = []
    resolved_at: int | None = None
    reopen_ms: int = 0
    cancelled: list[str] = []
    """Mentions that nobody need answer, the latest; one that comes again, with another time when edited, stays so."""


_ENCODER: Final = Encoder()
_CASES: Final = Decoder(Case)
_REPLIES: Final = Decoder(list[Reply])


def open_of(state: bytes | None) -> int:
    """How many cycles are open, at most 255."""
    return count_of(state)


def encode_case(case: Case, forget: int) -> bytes:
    """`forget` counts once nothing runs any more."""
    moments = [cycle.risks[0] if cycle.risks else cycle.due for cycle in case.cycles if cycle.status == Status.RUNNING]
    open_cycles = sum(cycle.status != Status.BREACHED for cycle in case.cycles)
    count = min(open_cycles, _MOST_COUNTED)
    return head(VERSION, Kind.CASE, min(moments, default=forget), count) + _ENCODER.encode(case)


def decode_case(state: bytes) -> Case:
    """Raises StateError for bytes that are none."""
    try:
        return _CASES.decode(memoryview(state)[SIZE:])
    except (DecodeError, ValidationError) as error:
        raise StateError(f"a case that cannot be read ({error}): rebuild the state from the log") from None


def encode_replies(replies: list[Reply], forget: int) -> bytes:
    return head(VERSION, Kind.REPLIES, forget) + _ENCODER.encode(replies)


def decode_replies(state: bytes) -> list[Reply]:
    return _REPLIES.decode(memoryview(state)[SIZE:])
