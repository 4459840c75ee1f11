"""The fold of one partition of `sla-timer`: which targets are met, at risk or missed, and when.

Time is a message. A tick at T stands behind every fact before T, so what it closes has seen them all; nothing
here asks a clock. A tick closes what was due before it; a reply at the due time is in time, also behind the
tick of that instant. Instants are floored to milliseconds, in events too. Which verdict a cycle gets does not
depend on how often time ticks; `decided_at` does, and so does `at_risk`, which is not told when the same tick
breaches.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Final

from domain.cycle_state import check, encode_tick, moment_of, open_of
from domain.cycles import Step, after_moment, after_respond, after_start
from domain.desk_words import Word, after_word
from domain.instants import from_ms, to_ms
from domain.timetable import Timetable
from domain.working_time import WorkingTime
from schemas.records import (
    SlaEvent,
    Tick,
    TimerCancel,
    TimerOwner,
    TimerRespond,
    TimerStart,
    TimerStop,
    TimerSupersede,
)

TICK_KEY: Final = b"\x00tick"
"""Key of the last tick in the state topic. No conversation begins with NUL: they are percent-encoded."""

Fact = TimerStart | TimerRespond | Word
"""What is said of one conversation."""
FACTS: Final = (TimerStart, TimerRespond, TimerStop, TimerCancel, TimerSupersede, TimerOwner)
_NAMES: Final = frozenset(kind.model_fields["record"].default for kind in FACTS)
Change = tuple[bytes, bytes | None]
"""A record for the state topic: key, and value or None for a tombstone."""


def _no_calendars(version: str) -> None:
    """Of a clock whose targets all count every minute."""


class Clock:
    """Cases and remembered replies by conversation, and a timetable of what is next looked at when.

    Cases in which nothing runs and replies without a case are kept for eight days of log time; tombstones prune them.
    `time` counts in the calendars that cycles name.
    """

    def __init__(self, time: WorkingTime | None = None) -> None:
        self._time = time or WorkingTime(_no_calendars)
        self._states: dict[bytes, bytes] = {}
        self._timetable = Timetable()
        self._last_tick: int | None = None
        self._open = 0
        self._changed: dict[bytes, None] = {}

    @property
    def last_tick(self) -> datetime | None:
        return None if self._last_tick is None else from_ms(self._last_tick)

    @property
    def open_cycles(self) -> int:
        return self._open

    def fold(self, record: Fact | Tick) -> list[SlaEvent]:
        """Takes in the next record of the partition and tells what came of it.

        Events of a tick are in the order of their time, then conversation. Raises ValueError for a start with times
        out of order, TypeError for a record of another kind, and UnknownCalendar; nothing has changed then.
        """
        # Records name themselves; to compare that is ten times faster than isinstance on pydantic's classes.
        if record.record == "tick":
            return self._advance(to_ms(record.at))
        if record.record not in _NAMES:
            raise TypeError(f"the clock cannot fold a {type(record).__name__}: only ticks and what tells of timers")
        key = record.conversation.encode()
        before = self._states.get(key)
        step = self._step(before, record)
        if step.state is not before:
            self._put(key, step.state)
        return step.events

    def _step(self, before: bytes | None, fact: Fact) -> Step:
        if fact.record == "timer_start":
            return after_start(before, fact, self._last_tick, self._time)
        if fact.record == "timer_respond":
            return after_respond(before, fact, self._last_tick, self._time)
        return after_word(before, fact, self._last_tick, self._time)

    def take_changes(self, *, with_tick: bool = False) -> list[Change]:
        """What to write to the state topic for all that was folded since the last call, first changed first.

        The last tick comes along when anything else changed. Ticks that changed nothing need no record if the
        log is read again from where the state was last written; otherwise ask `with_tick`.
        """
        changes: list[Change] = [(key, self._states.get(key)) for key in self._changed]
        self._changed.clear()
        if self._last_tick is not None and (changes or with_tick):
            changes.append((TICK_KEY, encode_tick(self._last_tick)))
        return changes

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes in one record of the state topic, in its order. Raises StateError if it cannot be read.

        Only for a new clock; `restored` ends the loading.
        """
        if value is None:
            self._states.pop(key, None)
            return
        check(key, value)
        if key == TICK_KEY:
            self._last_tick = moment_of(value)
        else:
            self._states[key] = value

    def restored(self) -> None:
        """Builds the timetable after the bulk load."""
        self._timetable = Timetable()
        for key, state in self._states.items():
            self._timetable.file(key, moment_of(state))
        self._open = sum(map(open_of, self._states.values()))

    def digest(self) -> str:
        """A hash over the whole state, 32 hex digits: equal if and only if two clocks would go on alike."""
        hasher = blake2b(repr(self._last_tick).encode(), digest_size=16)
        for key in sorted(self._states):
            hasher.update(b"%d:%b%d:%b" % (len(key), key, len(self._states[key]), self._states[key]))
        return hasher.hexdigest()

    def _advance(self, now: int) -> list[SlaEvent]:
        if self._last_tick is not None and now <= self._last_tick:
            return []
        keys = self._timetable.take_due(now, self._moment_of)
        steps = [after_moment(self._states[key], key.decode(), now, self._time) for key in keys]
        self._last_tick = now
        for key, step in zip(keys, steps, strict=True):
            self._put(key, step.state)
        events = [event for step in steps for event in step.events]
        return sorted(events, key=lambda event: (event.at, event.conversation))

    def _put(self, key: bytes, state: bytes | None) -> None:
        self._open += open_of(state) - open_of(self._states.get(key))
        self._changed[key] = None
        if state is None:
            del self._states[key]
        else:
            self._states[key] = state
            self._timetable.file(key, moment_of(state))

    def _moment_of(self, key: bytes) -> int | None:
        state = self._states.get(key)
        return None if state is None else moment_of(state)
