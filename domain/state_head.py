"""What every value of a state topic of conversations begins with: the bytes in memory are the bytes in the topic.

The format's version (1 byte), the value's kind (1 byte), a count (1 byte) and the moment at which it is next looked at
(8 bytes, milliseconds since 1970), big-endian and signed. The moment of a tick is the tick itself.
"""

from struct import Struct as Packed
from typing import Final

TICK: Final = 0
"""The kind of the last tick, which has nothing behind its head."""
PERSON: Final = 2
"""The kind of a person's record, where people are kept."""
NEVER: Final = 2**62
"""The moment of what is never looked at."""
_HEAD: Final = Packed(">BBBq")
_MOMENT: Final = Packed(">q")
_MOMENT_AT: Final = 3
SIZE: Final = _HEAD.size


class StateError(ValueError):
    """A state record that this program cannot read."""


def head(version: int, kind: int, moment: int, count: int = 0) -> bytes:
    """`count` is 0 to 255."""
    return _HEAD.pack(version, kind, count, moment)


def check(key: bytes, state: bytes, version: int) -> None:
    """Raises StateError if the value is of another version, or cut short."""
    if state[:1] != bytes([version]):
        found = f"version {state[0]}" if state else "no version"
        raise StateError(
            f"state of {key!r} has {found}, this program reads version {version}:"
            " run the program that wrote it, or rebuild the state from the log"
        )
    if len(state) < SIZE:
        raise StateError(f"state of {key!r} is cut short: rebuild the state from the log")


def kind_of(state: bytes) -> int:
    return state[1]


def count_of(state: bytes | None) -> int:
    return 0 if state is None else state[2]


def moment_of(state: bytes) -> int:
    moment: int = _MOMENT.unpack_from(state, _MOMENT_AT)[0]
    return moment
