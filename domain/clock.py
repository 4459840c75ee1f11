"""The fold of one partition of `sla-timer`: which targets are met, at risk or missed, and when.

Time is a message. A tick at T stands behind every fact before T, so what it closes has seen them all; nothing
here asks a clock. A tick closes what was due before it; a reply at the due time is in time, also behind the
tick of that instant. Instants are floored to milliseconds, in events too. Which verdict a cycle gets does not
depend on how often time ticks; `decided_at` does, and so does `at_risk`, which is not told when the same tick
breaches.
"""

from typing import Final

from domain.cycle_state import VERSION, open_of
from domain.cycles import Step, after_moment, after_respond, after_start
from domain.desk_words import Word, after_word
from domain.instants import to_ms
from domain.partition_states import PartitionStates
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

Fact = TimerStart | TimerRespond | Word
"""What is said of one conversation."""
FACTS: Final = (TimerStart, TimerRespond, TimerStop, TimerCancel, TimerSupersede, TimerOwner)
_NAMES: Final = frozenset(kind.model_fields["record"].default for kind in FACTS)


def _no_calendars(version: str) -> None:
    """Of a clock whose targets all count every minute."""


class Clock(PartitionStates):
    """Cases and remembered replies by conversation, and a timetable of what is next looked at when.

    Cases in which nothing runs and replies without a case are kept for eight days of log time; tombstones prune them.
    `time` counts in the calendars that cycles name.
    """

    def __init__(self, time: WorkingTime | None = None) -> None:
        super().__init__(VERSION)
        self._time = time or WorkingTime(_no_calendars)
        self._open = 0

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

    def restored(self) -> None:
        super().restored()
        self._open = sum(map(open_of, self._states.values()))

    def _advance(self, now: int) -> list[SlaEvent]:
        keys = self._take_due(now)
        steps = [after_moment(self._states[key], key.decode(), now, self._time) for key in keys]
        for key, step in zip(keys, steps, strict=True):
            self._put(key, step.state)
        events = [event for step in steps for event in step.events]
        return sorted(events, key=lambda event: (event.at, event.conversation))

    def _put(self, key: bytes, state: bytes | None) -> None:
        self._open += open_of(state) - open_of(self._states.get(key))
        super()._put(key, state)
