"""Elapsed time in the calendars that cycles name by their content hash. Milliseconds since 1970, and of open time."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from domain.business_time import due, elapsed
from domain.calendars import Calendar
from domain.instants import from_ms, to_ms

ALWAYS_OPEN: Final = "24x7"
"""The calendar that never closes: nothing needs to be looked up for it."""

_MINUTE_MS: Final = 60_000
_MILLISECOND: Final = timedelta(milliseconds=1)


class UnknownCalendar(LookupError):
    """A cycle names a calendar that the topic `policies` did not hold when it was read."""

    def __init__(self, version: str) -> None:
        super().__init__(f"calendar {version} is not on the topic `policies`: was its policy's record deleted there?")


class WorkingTime:
    """Adds and counts open time. `calendar_of` gives a calendar by its version, None for one that it does not know."""

    def __init__(self, calendar_of: Callable[[str], Calendar | None]) -> None:
        self._calendar_of = calendar_of

    def add(self, calendar: str, start: int, length: int) -> int:
        """The earliest instant at which so much open time has passed since the start. Raises UnknownCalendar, or
        CalendarError where it is never reached."""
        if calendar == ALWAYS_OPEN:
            return start + length
        return to_ms(due(self._calendar(calendar), from_ms(start), Decimal(length) / _MINUTE_MS))

    def between(self, calendar: str, start: int, end: int) -> int:
        """The open time between two instants, 0 if they are in the wrong order. Raises UnknownCalendar."""
        if calendar == ALWAYS_OPEN or end <= start:
            return max(0, end - start)
        return elapsed(self._calendar(calendar), from_ms(start), from_ms(end)) // _MILLISECOND

    def _calendar(self, version: str) -> Calendar:
        found = self._calendar_of(version)
        if found is None:
            raise UnknownCalendar(version)
        return found


def calendar_version(calendar: Calendar) -> str:
    """The first 16 hex digits of the BLAKE2b of the calendar as JSON with sorted keys."""
    canonical = json.dumps(calendar.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode()).hexdigest()[:16]


def risk_moments(time: WorkingTime, calendar: str, start: int, elapsed_before: int, levels: Iterable[int]) -> list[int]:
    """When levels of elapsed time that are still ahead are reached by a clock that goes on at `start`."""
    return [time.add(calendar, start, level - elapsed_before) for level in levels if level > elapsed_before]
