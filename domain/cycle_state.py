"""How the state of one conversation is kept: the bytes in memory are the bytes in the state topic.

Packed bytes hold a million open cycles in a third of the memory of objects, and are never walked by the
garbage collector. Every value begins with the format's version (1 byte), its kind (1 byte) and the moment at
which it is next looked at (8 bytes, milliseconds since 1970), all big-endian and signed where it matters.
Then follow:

- open, at risk: start and due (8 bytes each, milliseconds), the lengths of five texts in characters (2 bytes
  each), and the texts: mention, brand, type, team, policy, in UTF-8. The moment is when it is at risk, then
  when it is due.
- closed: nothing. The moment is when it is forgotten.
- replied, before anything was asked: for each reply its time (8 bytes), the bytes of its id (2 bytes), the
  id.
- tick: nothing. The moment is the tick that was seen last.
"""

from enum import IntEnum
from itertools import accumulate
from struct import Struct
from typing import Final, NamedTuple, cast

from schemas.records import MentionType

VERSION: Final = 1
_HEAD: Final = Struct(">BBq")
_MOMENT: Final = Struct(">q")
_CYCLE: Final = Struct(">BBqqq5H")
_REPLY: Final = Struct(">qH")


class Kind(IntEnum):
    TICK = 0
    OPEN = 1
    AT_RISK = 2
    CLOSED = 3
    REPLIED = 4


_OPEN_KINDS: Final = frozenset({Kind.OPEN, Kind.AT_RISK})


class StateError(ValueError):
    """A state record that this program cannot read."""


class Cycle(NamedTuple):
    """An open cycle: what its events will say. Times in milliseconds since 1970."""

    mention: str
    brand: str
    type: MentionType
    team: str
    policy: str
    started: int
    due: int


class Reply(NamedTuple):
    """A public reply; sorts by time."""

    at: int
    id: str


def check(key: bytes, state: bytes) -> None:
    """Raises StateError if the value is of another version, or too short."""
    if state[:1] != b"\x01":
        found = f"version {state[0]}" if state else "no version"
        raise StateError(
            f"state of {key!r} has {found}, this program reads version {VERSION}:"
            " run the program that wrote it, or rebuild the state from the log"
        )
    if len(state) < _HEAD.size:
        raise StateError(f"state of {key!r} is cut short: rebuild the state from the log")


def kind_of(state: bytes) -> int:
    return state[1]


def is_open(state: bytes | None) -> bool:
    return state is not None and state[1] in _OPEN_KINDS


def moment_of(state: bytes) -> int:
    moment: int = _MOMENT.unpack_from(state, 2)[0]
    return moment


def encode_mark(kind: Kind, moment: int) -> bytes:
    """A value that says no more than its kind and moment: closed, or tick."""
    return _HEAD.pack(VERSION, kind, moment)


def encode_open(cycle: Cycle, at_risk: int) -> bytes:
    texts = cycle[:5]
    lengths = map(len, texts)
    return _CYCLE.pack(VERSION, Kind.OPEN, at_risk, cycle.started, cycle.due, *lengths) + "".join(texts).encode()


def at_risk(state: bytes, due: int) -> bytes:
    """The open cycle's value once the risk has been told: next looked at when it is due."""
    return _HEAD.pack(VERSION, Kind.AT_RISK, due) + state[_HEAD.size :]


def decode_cycle(state: bytes) -> Cycle:
    _, _, _, started, due, *lengths = _CYCLE.unpack_from(state)
    text = state[_CYCLE.size :].decode()
    mention, brand, type_, team, policy = accumulate(lengths)
    return Cycle(
        mention=text[:mention],
        brand=text[mention:brand],
        type=cast(MentionType, text[brand:type_]),
        team=text[type_:team],
        policy=text[team:policy],
        started=started,
        due=due,
    )


def encode_replies(replies: list[Reply], forget: int) -> bytes:
    parts = [_HEAD.pack(VERSION, Kind.REPLIED, forget)]
    for reply in replies:
        name = reply.id.encode()
        parts += _REPLY.pack(reply.at, len(name)), name
    return b"".join(parts)


def decode_replies(state: bytes) -> list[Reply]:
    replies, start = [], _HEAD.size
    while start < len(state):
        at, length = _REPLY.unpack_from(state, start)
        start += _REPLY.size
        replies.append(Reply(at, state[start : start + length].decode()))
        start += length
    return replies
