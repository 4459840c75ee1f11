"""Folding a partition of `sla-timer` again, and comparing what comes of it with what was told.

Where the log no longer begins with its first record, only conversations without an earlier history can be compared, and
those whose stored state has not changed since.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from domain.clock import Clock, Fact
from domain.partition_states import TICK_KEY
from domain.working_time import WorkingTime
from schemas.records import SlaEvent, Tick

_VOLATILE: Final = {"decided_at"}
"""Depends on the ticks, which a log that begins anywhere has not all."""


@dataclass
class Comparison:
    """Of events, by id. `differences` are sentences; `not_comparable` counts cycles without evidence."""

    equal: int = 0
    differences: list[str] = field(default_factory=list)
    not_comparable: int = 0

    def add(self, other: Self) -> None:
        self.equal += other.equal
        self.differences += other.differences
        self.not_comparable += other.not_comparable


class Refold:
    """A fresh clock over the log, from its begin or from stored states. `whole` says whether the log is all there."""

    def __init__(self, time: WorkingTime, *, whole: bool) -> None:
        self._clock, self._whole = Clock(time), whole
        self._told: dict[str, tuple[int, SlaEvent]] = {}
        self._restored: set[str] = set()
        self._first_tick: datetime | None = None

    def restore(self, states: Mapping[bytes, bytes]) -> None:
        """States that have not changed since the log begins. The last tick is not among them: it is newer."""
        for key, value in states.items():
            if key != TICK_KEY:
                self._clock.restore(key, value)
                self._restored.add(key.decode())
        self._clock.restored()

    def fold(self, offset: int, record: Fact | Tick) -> None:
        """The next record. Raises ValueError where the stage made it a dead letter."""
        if isinstance(record, Tick) and self._first_tick is None:
            self._first_tick = record.at
        for event in self._clock.fold(record):
            self._told.setdefault(event.id, (offset, event))

    def compare(self, emitted: Iterable[SlaEvent], surely_before: int) -> Comparison:
        """`surely_before`: what records before this offset led to had been told when `emitted` was read."""
        found, counts, unknown = Comparison(), Counter[str](), set[str]()
        cycles = {event.cycle for _, event in self._told.values()}
        older = set[str]()
        listed = list(emitted)
        if not self._whole:
            older = {event.conversation for event in listed if self._is_older(event)} - self._restored
        for event in listed:
            counts[event.id] += 1
            if counts[event.id] > 1:
                found.differences.append(f"{_named(event)} was told {counts[event.id]} times")
            elif event.conversation in older:
                unknown.add(event.cycle)
            else:
                self._compare(event, cycles, found, unknown)
        for offset, event in self._told.values():
            if event.id not in counts and offset < surely_before and event.conversation not in older:
                found.differences.append(f"{_named(event)} was never told; the log says it at {event.at.isoformat()}")
        found.not_comparable = len(unknown)
        return found

    def _compare(self, event: SlaEvent, cycles: set[str], found: Comparison, unknown: set[str]) -> None:
        told = self._told.get(event.id)
        if told is None:
            if event.cycle in cycles and not self._whole and self._is_older(event):
                return  # told before the log begins; what the cycle came to is compared
            if self._whole or event.cycle in cycles:
                found.differences.append(f"{_named(event)} was told, and the log does not say so")
            else:
                unknown.add(event.cycle)
        elif differing := _differing(event, told[1], set() if self._whole else _VOLATILE):
            found.differences.append(f"{_named(event)} was told otherwise: {differing}")
        else:
            found.equal += 1

    def _is_older(self, event: SlaEvent) -> bool:
        """Whether it was decided before the log's first tick, so that its facts may lie before the log."""
        return event.decided_at is None or self._first_tick is None or event.decided_at < self._first_tick


def _differing(told: SlaEvent, again: SlaEvent, leaving_out: set[str]) -> str:
    names = [name for name in SlaEvent.model_fields if name not in leaving_out]
    pairs = [(name, getattr(told, name), getattr(again, name)) for name in names]
    return "; ".join(f"{name} {_shown(was)}, again {_shown(now)}" for name, was, now in pairs if was != now)


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _named(event: SlaEvent) -> str:
    return f"{event.kind} of {event.target}, cycle {event.cycle}, of {event.conversation}"
