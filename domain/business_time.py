"""Business time: when a target is due, counting open time that is not paused."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from domain.calendars import Calendar
from domain.instants import from_us, to_us
from domain.open_hours import CalendarError, Span, united, without

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2199, 12, 31, 23, 59, 59, 999_999, UTC)
PATIENCE: Final = timedelta(days=400)
"""A calendar that is closed for longer is a mistake: every yearly closure is shorter."""

_FIRST: Final = to_us(EARLIEST)
_LAST: Final = to_us(LATEST)
_PATIENCE_US: Final = PATIENCE // timedelta(microseconds=1)
_MINUTE_US: Final = 60_000_000
_MOST_MINUTES: Final = (_LAST - _FIRST) // _MINUTE_US

Minutes = int | float | Decimal
Pauses = Sequence[tuple[datetime, datetime]]


class Step(NamedTuple):
    """An opening on the way to a deadline, in UTC; a month or so of one that is longer."""

    opens: datetime
    closes: datetime
    counted: tuple[tuple[datetime, datetime], ...]
    """The parts that count, each with its begin and end: after the start, not paused, until the target is reached."""
    elapsed: timedelta
    """What has counted up to the end of this step."""


class _Walked(NamedTuple):
    opening: Span
    counted: list[Span]
    elapsed: int


def due(calendar: Calendar, start: datetime, minutes: Minutes, pauses: Pauses = ()) -> datetime:
    """The earliest instant, in UTC, at which so much open, unpaused time has passed since the start.

    Nothing to pass is due at the start, even in closed time. Exact to the microsecond, to which minutes are rounded.
    Raises CalendarError for a time without offset or outside the years 1900 to 2199, for minutes that are no number
    or negative, for a pause that ends before it starts, and where the target is never reached.
    """
    begin = _instant(start, "start")
    end = begin
    for walked in _walk(calendar, begin, _target(minutes), _united(pauses)):
        end = walked.counted[-1].end if walked.counted else end
    return from_us(end)


def steps(calendar: Calendar, start: datetime, minutes: Minutes, pauses: Pauses = ()) -> Iterator[Step]:
    """The openings from the start to the deadline: the last part that counts ends there. Raises as `due` does."""
    for opening, counted, elapsed in _walk(calendar, _instant(start, "start"), _target(minutes), _united(pauses)):
        parts = tuple((from_us(part.begin), from_us(part.end)) for part in counted)
        yield Step(from_us(opening.begin), from_us(opening.end), parts, timedelta(microseconds=elapsed))


def elapsed(calendar: Calendar, start: datetime, end: datetime, pauses: Pauses = ()) -> timedelta:
    """The open, unpaused time between two instants. Raises CalendarError as `due` does, and for an end before start."""
    whole = Span(_instant(start, "start"), _instant(end, "end"))
    if whole.length < 0:
        raise CalendarError("end: lies before the start; swap them")
    holes = _united(pauses)
    openings = calendar.hours.spans(whole.begin, whole.end, patience=whole.length)
    parts = [part for opening in openings for part in without(_common(opening, whole), holes)]
    return timedelta(microseconds=sum(part.length for part in parts))


def _walk(calendar: Calendar, begin: int, target: int, holes: Sequence[Span]) -> Iterator[_Walked]:
    passed = 0
    if not target:
        return
    reachable = Span(begin, _LAST)
    for opening in calendar.hours.spans(begin, _LAST, _PATIENCE_US):
        counted = _first(target - passed, without(_common(opening, reachable), holes))
        passed += sum(part.length for part in counted)
        yield _Walked(opening, counted, passed)
        if passed == target:
            return
        reachable = Span(opening.end, _LAST)
    raise CalendarError(_unreachable(from_us(reachable.begin)))


def _first(length: int, parts: Sequence[Span]) -> list[Span]:
    """As much of the parts, in order, as has the length together."""
    taken = []
    for part in parts:
        if length <= 0:
            break
        taken.append(Span(part.begin, min(part.end, part.begin + length)))
        length -= part.length
    return taken


def _unreachable(closed_since: datetime) -> str:
    if closed_since + PATIENCE < LATEST:
        found = f"nothing is open for {PATIENCE.days} days after {closed_since:%Y-%m-%d %H:%M} UTC"
        return f"calendar: {found}; check its open hours and holidays"
    return "minutes: the target is not reached before the year 2200; check minutes, pauses and the calendar's hours"


def _target(minutes: Minutes) -> int:
    if isinstance(minutes, bool) or not isinstance(minutes, int | float | Decimal):
        raise CalendarError(f"minutes: {minutes!r:.60} is no number; give minutes, such as 120 or 0.5")
    # The shortest text of a float is what its writer meant: 0.1 is six seconds.
    exact = Decimal(repr(minutes)) if isinstance(minutes, float) else Decimal(minutes)
    if not exact.is_finite() or not 0 <= exact <= _MOST_MINUTES:
        raise CalendarError(f"minutes: {exact:.6g} is not between 0 and {_MOST_MINUTES}; give such a number")
    return int((exact * _MINUTE_US).to_integral_value())


def _united(pauses: Pauses) -> list[Span]:
    return united(_pause(pause, f"pauses[{number}]") for number, pause in enumerate(pauses))


def _pause(pause: tuple[datetime, datetime], field: str) -> Span:
    found = Span(_instant(pause[0], f"{field}[0]"), _instant(pause[1], f"{field}[1]"))
    if found.length < 0:
        raise CalendarError(f"{field}: ends before it starts; give its start first")
    return found


def _instant(when: datetime, field: str) -> int:
    if when.utcoffset() is None:
        raise CalendarError(f"{field}: {when.isoformat()} has no offset; end it with Z or an offset such as +01:00")
    found = to_us(when)
    if not _FIRST <= found <= _LAST:
        raise CalendarError(f"{field}: {when.isoformat()} is outside the years 1900 to 2199; give a time within")
    return found


def _common(one: Span, other: Span) -> Span:
    return Span(max(one.begin, other.begin), min(one.end, other.end))
