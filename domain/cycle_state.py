"""How the state of one conversation is kept: the bytes in memory are the bytes in the state topic.

Packed bytes hold a million open cycles in a third of the memory of objects, and are never walked by the garbage
collector. Every value begins with the format's version (1 byte), its kind (1 byte), the number of its open cycles
(1 byte) and the moment at which it is next looked at (8 bytes, milliseconds since 1970), big-endian and signed. Then
follows, as MessagePack, a `Case`, or the list of replies that came before anything was asked; after a tick, nothing.
The moment is when a cycle is next at risk or due; without a running cycle, when the state is forgotten; of a tick, the
tick itself.
"""

from enum import IntEnum
from struct import Struct as Packed
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct, ValidationError
from msgspec.msgpack import Decoder, Encoder

from schemas.records import MentionType, SlaTarget

VERSION: Final = 2
_HEAD: Final = Packed(">BBBq")
_MOMENT: Final = Packed(">q")
_MOMENT_AT: Final = 3
_MOST_COUNTED: Final = 255


class Kind(IntEnum):
    TICK = 0
    CASE = 1
    REPLIES = 2


class Status(IntEnum):
    RUNNING = 0
    PAUSED = 1
    """A resolution while the customer has the word; it stands where `since` says."""
    BREACHED = 2
    """Kept for a while: a reply may yet turn up that was in time."""


class StateError(ValueError):
    """A state record that this program cannot read."""


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


_ENCODER: Final = Encoder()
_CASES: Final = Decoder(Case)
_REPLIES: Final = Decoder(list[Reply])


def check(key: bytes, state: bytes) -> None:
    """Raises StateError if the value is of another version, or cannot be read."""
    if state[:1] != bytes([VERSION]):
        found = f"version {state[0]}" if state else "no version"
        raise StateError(
            f"state of {key!r} has {found}, this program reads version {VERSION}:"
            " run the program that wrote it, or rebuild the state from the log"
        )
    if len(state) < _HEAD.size:
        raise StateError(f"state of {key!r} is cut short: rebuild the state from the log")


def kind_of(state: bytes) -> int:
    return state[1]


def open_of(state: bytes | None) -> int:
    """How many cycles are open, at most 255."""
    return 0 if state is None else state[2]


def moment_of(state: bytes) -> int:
    moment: int = _MOMENT.unpack_from(state, _MOMENT_AT)[0]
    return moment


def encode_tick(moment: int) -> bytes:
    return _HEAD.pack(VERSION, Kind.TICK, 0, moment)


def encode_case(case: Case, forget: int) -> bytes:
    """`forget` counts once nothing runs any more."""
    moments = [cycle.risks[0] if cycle.risks else cycle.due for cycle in case.cycles if cycle.status == Status.RUNNING]
    open_cycles = sum(cycle.status != Status.BREACHED for cycle in case.cycles)
    head = _HEAD.pack(VERSION, Kind.CASE, min(open_cycles, _MOST_COUNTED), min(moments, default=forget))
    return head + _ENCODER.encode(case)


def decode_case(state: bytes) -> Case:
    """Raises StateError for bytes that are none."""
    try:
        return _CASES.decode(memoryview(state)[_HEAD.size :])
    except (DecodeError, ValidationError) as error:
        raise StateError(f"a case that cannot be read ({error}): rebuild the state from the log") from None


def encode_replies(replies: list[Reply], forget: int) -> bytes:
    return _HEAD.pack(VERSION, Kind.REPLIES, 0, forget) + _ENCODER.encode(replies)


def decode_replies(state: bytes) -> list[Reply]:
    return _REPLIES.decode(memoryview(state)[_HEAD.size :])
