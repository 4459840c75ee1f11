"""The state of one partition: a value a key, what has changed of it, the tick seen last, and what is next looked at."""

from datetime import datetime
from hashlib import blake2b
from typing import Final

from domain.instants import from_ms
from domain.state_head import TICK, check, head, moment_of
from domain.timetable import Timetable

TICK_KEY: Final = b"\x00tick"
"""Key of the last tick in the state topic. No conversation begins with NUL: they are percent-encoded."""
Change = tuple[bytes, bytes | None]
"""A record for the state topic: key, and value or None for a tombstone."""


class PartitionStates:
    """What the folds of a partition have in common. `version` is that of the format of its values."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._states: dict[bytes, bytes] = {}
        self._timetable = Timetable()
        self._last_tick: int | None = None
        self._changed: dict[bytes, None] = {}

    @property
    def last_tick(self) -> datetime | None:
        return None if self._last_tick is None else from_ms(self._last_tick)

    def take_changes(self, *, with_tick: bool = False) -> list[Change]:
        """What to write to the state topic for all that was folded since the last call, first changed first.

        The last tick comes along when anything else changed. Ticks that changed nothing need no record if the
        log is read again from where the state was last written; otherwise ask `with_tick`.
        """
        changes: list[Change] = [(key, self._states.get(key)) for key in self._changed]
        self._changed.clear()
        if self._last_tick is not None and (changes or with_tick):
            changes.append((TICK_KEY, head(self._version, TICK, self._last_tick)))
        return changes

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes in one record of the state topic, in its order. Raises StateError if it cannot be read.

        Only for new states; `restored` ends the loading.
        """
        if value is None:
            self._states.pop(key, None)
            return
        check(key, value, self._version)
        if key == TICK_KEY:
            self._last_tick = moment_of(value)
        else:
            self._states[key] = value

    def restored(self) -> None:
        """Builds the timetable after the bulk load."""
        self._timetable = Timetable()
        for key, state in self._states.items():
            self._timetable.file(key, moment_of(state))

    def digest(self) -> str:
        """A hash over the whole state, 32 hex digits: equal if and only if two folds would go on alike."""
        hasher = blake2b(repr(self._last_tick).encode(), digest_size=16)
        for key in sorted(self._states):
            hasher.update(b"%d:%b%d:%b" % (len(key), key, len(self._states[key]), self._states[key]))
        return hasher.hexdigest()

    def _take_due(self, now: int) -> list[bytes]:
        """The keys to look at, by moment, then key; `now` becomes the last tick. None for a tick that is no later."""
        if self._last_tick is not None and now <= self._last_tick:
            return []
        due = self._timetable.take_due(now, self._moment_of)
        self._last_tick = now
        return due

    def _put(self, key: bytes, state: bytes | None) -> None:
        self._changed[key] = None
        if state is None:
            self._states.pop(key, None)
        else:
            self._states[key] = state
            self._timetable.file(key, moment_of(state))

    def _moment_of(self, key: bytes) -> int | None:
        state = self._states.get(key)
        return None if state is None else moment_of(state)
