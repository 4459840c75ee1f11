"""Business time against an oracle that counts minutes on a wall clock, and what holds whatever the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.business_time import due, elapsed, steps
from domain.calendars import DAYS, Calendar, CalendarError, expanded, parse_calendar

MINUTE: Final = timedelta(minutes=1)
MICROSECOND: Final = timedelta(microseconds=1)
PLACES: Final = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Sydney", date(2026, 4, 5)),
    ("Australia/Sydney", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
]
"""A zone, and a day on which its clocks change."""
DAYS_BEFORE: Final = 6
DAYS_SHOWN: Final = 18

Hours = tuple[int, int]
"""Minutes after midnight at which an interval opens and closes; closing may be the next day."""


class Wall:
    """A clock on a wall, read every minute. It knows local time only by reading it."""

    def __init__(self, zone: str, day: date) -> None:
        self.begin = datetime.combine(day, datetime.min.time(), UTC) - timedelta(days=DAYS_BEFORE)
        moments = [self.begin + minute * MINUTE for minute in range(DAYS_SHOWN * 1440)]
        self._shown = [when.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for when in moments]
        self._first: dict[datetime, int] = {}
        for minute, shown in enumerate(self._shown):
            self._first.setdefault(shown, minute)

    def minute_of(self, time: datetime) -> int:
        """The first minute that shows the time; for a skipped one, that of a clock that nobody put forward."""
        if time in self._first:
            return self._first[time]
        before = next(minute for minute, (shown, then) in enumerate(pairwise(self._shown)) if shown < time < then)
        return before + (time - self._shown[before]) // MINUTE

    def days(self) -> list[date]:
        """Those that it shows from beginning to end, with the day after."""
        first = self._shown[0].date() + timedelta(days=1)
        return [first + timedelta(days=number) for number in range(DAYS_SHOWN - 4)]


wall = lru_cache(Wall)


class Case(NamedTuple):
    """A question to business time, in minutes since the wall's first."""

    zone: str
    day: date
    week: dict[str, list[Hours]]
    closed: frozenset[int]
    start: int
    minutes: int
    pauses: list[tuple[int, int]]

    def wall(self) -> Wall:
        return wall(self.zone, self.day)

    def calendar(self) -> Calendar:
        week = {day: [told(hours) for hours in intervals] for day, intervals in self.week.items()}
        extra = [self.wall().days()[number] for number in self.closed]
        return parse_calendar({"timezone": self.zone, "open": week, "holidays": {"extra": extra}})

    def at(self, minute: float) -> datetime:
        return self.wall().begin + minute * MINUTE

    def pause_times(self) -> list[tuple[datetime, datetime]]:
        return [(self.at(begin), self.at(end)) for begin, end in self.pauses]


def told(hours: Hours) -> str:
    opens, closes = hours
    end = closes if closes <= 1440 else closes - 1440
    return f"{opens // 60:02}:{opens % 60:02}-{end // 60:02}:{end % 60:02}"


def open_stretches(case: Case) -> list[tuple[int, int]]:
    found = []
    for number, day in enumerate(case.wall().days()):
        for opens, closes in case.week[DAYS[day.weekday()]] if number not in case.closed else ():
            midnight = datetime.combine(day, datetime.min.time())
            ends = midnight + opens * MINUTE, midnight + closes * MINUTE
            found.append((case.wall().minute_of(ends[0]), case.wall().minute_of(ends[1])))
    return found


def holds(stretches: Sequence[tuple[int, int]], minute: int) -> bool:
    return any(begin <= minute < end for begin, end in stretches)


FIRST_MINUTE: Final = 3 * 1440
LAST_MINUTE: Final = 13 * 1440
"""Between them the wall's days decide alone whether it is open."""


def counted_due(case: Case) -> int | None:
    """The minute at which the target is due, None if that is not before the last one."""
    stretches = open_stretches(case)
    minute, left = case.start, case.minutes
    while left:
        if minute >= LAST_MINUTE:
            return None
        if holds(stretches, minute) and not holds(case.pauses, minute):
            left -= 1
        minute += 1
    return minute


@st.composite
def intervals(draw: st.DrawFn) -> Hours:
    opens = draw(st.one_of(st.integers(0, 1439), st.integers(0, 12).map(lambda quarter: 15 * quarter)))
    return opens, opens + draw(st.integers(1, 1439 if opens else 1440))


@st.composite
def pause_minutes(draw: st.DrawFn) -> tuple[int, int]:
    begin = draw(st.integers(FIRST_MINUTE - 1440, LAST_MINUTE))
    return begin, begin + draw(st.one_of(st.integers(0, 200), st.integers(0, 3000)))


weeks = st.fixed_dictionaries({day: st.lists(intervals(), max_size=3) for day in DAYS}).filter(
    lambda week: any(week.values())
)
always = st.just({day: [(0, 1440)] for day in DAYS})


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, day = draw(st.sampled_from(PLACES))
    return Case(
        zone,
        day,
        draw(st.one_of(weeks, weeks, always)),
        draw(st.frozensets(st.integers(0, DAYS_SHOWN - 5), max_size=4)),
        draw(st.integers(FIRST_MINUTE, FIRST_MINUTE + 5 * 1440)),
        draw(st.one_of(st.integers(0, 600), st.integers(0, 6000))),
        draw(st.lists(pause_minutes(), max_size=4)),
    )


@settings(max_examples=150)
@given(cases())
def test_a_deadline_is_where_counting_minutes_on_a_wall_clock_ends(case: Case) -> None:
    expected = counted_due(case)
    found = due(case.calendar(), case.at(case.start), case.minutes, case.pause_times())
    if expected is None:
        assert found > case.at(LAST_MINUTE)
    else:
        assert found == case.at(expected)


@settings(max_examples=50)
@given(cases(), st.integers(0, 4000))
def test_elapsed_time_is_what_counting_minutes_on_a_wall_clock_finds(case: Case, length: int) -> None:
    stretches = open_stretches(case)
    minutes = range(case.start, case.start + length)
    counted = sum(holds(stretches, minute) and not holds(case.pauses, minute) for minute in minutes)
    found = elapsed(case.calendar(), case.at(case.start), case.at(case.start + length), case.pause_times())
    assert found == counted * MINUTE


fractions = st.decimals(0, 10_000, places=6)


@given(cases(), fractions, st.integers(0, 59_999_999))
def test_what_has_elapsed_at_a_deadline_is_the_target_and_just_before_it_less(
    case: Case, minutes: Decimal, microseconds: int
) -> None:
    calendar, pauses = case.calendar(), case.pause_times()
    start = case.at(case.start) + microseconds * MICROSECOND
    found = due(calendar, start, minutes, pauses)
    target = int(minutes * 60_000_000) * MICROSECOND
    assert elapsed(calendar, start, found, pauses) == target
    assert not target or elapsed(calendar, start, found - MICROSECOND, pauses) == target - MICROSECOND


@given(cases())
def test_a_pause_never_makes_a_deadline_earlier(case: Case) -> None:
    calendar, start = case.calendar(), case.at(case.start)
    found = [due(calendar, start, case.minutes, case.pause_times()[:count]) for count in range(len(case.pauses) + 1)]
    assert found == sorted(found)


@given(cases(), fractions)
def test_more_minutes_are_never_due_earlier(case: Case, more: Decimal) -> None:
    calendar, start, pauses = case.calendar(), case.at(case.start), case.pause_times()
    assert due(calendar, start, case.minutes, pauses) <= due(calendar, start, case.minutes + more, pauses)


@given(cases(), st.randoms(use_true_random=False))
def test_pauses_may_come_in_any_order_and_in_parts(case: Case, chance: Random) -> None:
    calendar, start, pauses = case.calendar(), case.at(case.start), case.pause_times()
    middles = [begin + (end - begin) / 3 for begin, end in pauses]
    parts = [
        part for (begin, end), middle in zip(pauses, middles, strict=True) for part in ((begin, middle), (middle, end))
    ]
    chance.shuffle(parts)
    assert due(calendar, start, case.minutes, parts + pauses[:1]) == due(calendar, start, case.minutes, pauses)


@given(cases())
def test_the_walk_ends_at_the_deadline_with_the_target_counted(case: Case) -> None:
    asked = (case.calendar(), case.at(case.start), case.minutes, case.pause_times())
    walked = list(steps(*asked))
    counted = [part for step in walked for part in step.counted]
    assert sum([end - begin for begin, end in counted], timedelta()) == case.minutes * MINUTE
    assert (counted[-1][1] if counted else asked[1]) == due(*asked)
    openings = [moment for step in walked for moment in (step.opens, step.closes)]
    assert openings == sorted(openings)


@settings(max_examples=30)
@given(cases(), st.sampled_from([("DE", "BE"), ("US", None), ("AU", "NSW"), ("CL", None)]))
def test_holidays_expanded_to_dates_change_nothing(case: Case, place: tuple[str, str | None]) -> None:
    year = case.day.year
    given_ = case.calendar().model_dump(mode="json")
    given_["holidays"] |= {"country": place[0], "subdivision": place[1]}
    calendar = parse_calendar(given_)
    asked = (case.at(case.start), case.minutes, case.pause_times())
    assert due(expanded(calendar, year - 1, year + 2), *asked) == due(calendar, *asked)


@given(st.text(max_size=12))
def test_any_text_is_an_interval_or_refused(text: str) -> None:
    try:
        parse_calendar({"timezone": "UTC", "open": {"mon": [text]}})
    except CalendarError as error:
        assert str(error).startswith("open.mon[0]: ")


def test_the_wall_clock_reads_a_skipped_time_as_nobody_had_put_it_forward() -> None:
    berlin = wall("Europe/Berlin", date(2026, 3, 29))
    skipped = berlin.begin + berlin.minute_of(datetime(2026, 3, 29, 2, 30)) * MINUTE
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
