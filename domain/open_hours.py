"""When a week of opening hours is open, as spans of instants: each end of an interval becomes an instant by itself."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from domain.instants import EPOCH, to_us

DAY_MINUTES: Final = 24 * 60
_DAY: Final = timedelta(days=1)
_WEEK_US: Final = 7 * DAY_MINUTES * 60_000_000
_LONGEST_PIECE_US: Final = 31 * DAY_MINUTES * 60_000_000
_CACHED_WEEKS: Final = 256
_INTERVAL: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")


class CalendarError(ValueError):
    """A calendar, or a question about it, that has no answer. Its text says what, where, and what to do."""


class Interval(NamedTuple):
    """Minutes of local time after the midnight that its day begins with; `closes` past 1440 is on the next day."""

    opens: int
    closes: int


class Span(NamedTuple):
    """From `begin` up to but without `end`, in microseconds since 1970."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.begin


def parse_interval(text: object) -> Interval:
    """The interval in a text such as `09:00-12:30`, `22:00-06:00` or `18:00-24:00`. Raises CalendarError."""
    found = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise CalendarError(f"{text!r:.60} is no interval")
    opens = _minute(found[1], found[2])
    closes = _minute(found[3], found[4]) if found[3] else DAY_MINUTES
    if closes == opens:
        raise CalendarError(f"{text!r} has no length: the whole day is 00:00-24:00")
    return Interval(opens, closes if closes > opens else closes + DAY_MINUTES)


def united(spans: Iterable[Span]) -> list[Span]:
    """The same instants as spans in order, without overlaps, touches and empty ones."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.length > 0):
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def without(span: Span, holes: Sequence[Span]) -> list[Span]:
    """What the holes, united ones, leave of the span."""
    left = []
    begin = span.begin
    for hole in holes[bisect_right(holes, span.begin, key=attrgetter("end")) :]:
        if hole.begin >= span.end:
            break
        left.append(Span(begin, hole.begin))
        begin = hole.end
    left.append(Span(begin, span.end))
    return [part for part in left if part.length > 0]


class OpenHours:
    """Open time, found a week at a time and remembered. `week` has the intervals of each day, Monday first."""

    def __init__(self, zone: tzinfo, week: Sequence[Sequence[Interval]], is_closed: Callable[[date], bool]) -> None:
        self._zone = zone
        self._intervals = week
        self._is_closed = is_closed
        self._week = lru_cache(_CACHED_WEEKS)(self._find_week)

    def spans(self, begin: int, end: int, patience: int) -> Iterator[Span]:
        """Open time that ends after `begin` and begins before `end`, united and in order.

        All are microseconds. It ends early after `patience` of nothing but closed time, to the week. Open time of
        more than a month, which is endless for a calendar that never closes, comes in pieces.
        """
        for span in _joined(self._pieces(begin, end, patience)):
            if span.begin >= end:
                return
            if span.end > begin:
                yield span

    def _pieces(self, begin: int, end: int, patience: int) -> Iterator[Span]:
        closed_since = begin
        # The week before, because what is open at `begin` may have begun in it.
        for number in range(begin // _WEEK_US - 1, end // _WEEK_US + 1):
            if number * _WEEK_US - closed_since > patience:
                return
            for span in self._week(number):
                closed_since = max(closed_since, span.end)
                yield span

    def _find_week(self, number: int) -> list[Span]:
        """Open time in the week that begins `number` weeks after the start of 1970 in UTC."""
        week = Span(number * _WEEK_US, (number + 1) * _WEEK_US)
        first = EPOCH.date() + 7 * number * _DAY
        # Local time is within a day of UTC, and an interval ends within two days of the midnight of its day.
        days = [first + days * _DAY for days in range(-3, 9)]
        found = (span for day in days if not self._is_closed(day) for span in self._starting_on(day))
        return united(Span(max(span.begin, week.begin), min(span.end, week.end)) for span in found)

    def _starting_on(self, day: date) -> Iterator[Span]:
        for interval in self._intervals[day.weekday()]:
            yield Span(self._instant(day, interval.opens), self._instant(day, interval.closes))

    def _instant(self, day: date, minute: int) -> int:
        """Of an ambiguous local time the first; of one that a clock change skips, what PEP 495 says for fold 0."""
        days, minute = divmod(minute, DAY_MINUTES)
        return to_us(datetime.combine(day + days * _DAY, time(minute // 60, minute % 60), self._zone))


def _joined(pieces: Iterable[Span]) -> Iterator[Span]:
    """Pieces in order, with those that touch made one, as long as that is not longer than about a month."""
    held: Span | None = None
    for piece in pieces:
        if held and held.end == piece.begin and held.length < _LONGEST_PIECE_US:
            held = Span(held.begin, piece.end)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


def _minute(hour: str, minute: str) -> int:
    return 60 * int(hour) + int(minute)
