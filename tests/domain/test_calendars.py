"""Business time, told as stories. 5 January 2026 is a Monday; Berlin is then an hour ahead of UTC."""

import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.business_time import due, elapsed, steps
from domain.calendars import Calendar, CalendarError, closed_dates, expanded, parse_calendar
from tests.domain.business_hours import OFFICE, at, calendar, pause

NIGHT = {"fri": ["22:00-06:00"]}
SUNDAY = {"sun": ["01:00-05:00"]}
EARLY = {"sun": ["02:30-03:30"]}


def refusal(data: Any) -> str:
    with pytest.raises(CalendarError) as refused:
        parse_calendar(data)
    return str(refused.value)


def refused(calendar: Calendar, start: str, minutes: Any, *pauses: tuple[Any, Any]) -> str:
    with pytest.raises(CalendarError) as error:
        due(calendar, at(start), minutes, pauses)
    return str(error.value)


def test_lunch_does_not_count() -> None:
    assert due(calendar(), at("2026-01-05 12:00+01:00"), 60) == at("2026-01-05 14:00+01:00")


def test_a_target_that_ends_with_the_morning_is_due_at_noon_and_not_after_lunch() -> None:
    assert due(calendar(), at("2026-01-05 12:00+01:00"), 30) == at("2026-01-05 12:30+01:00")


def test_what_comes_on_friday_evening_begins_on_monday_morning() -> None:
    assert due(calendar(), at("2026-01-09 19:00+01:00"), 120) == at("2026-01-12 11:00+01:00")


def test_what_comes_at_closing_time_begins_at_the_next_opening() -> None:
    assert due(calendar(), at("2026-01-05 18:00+01:00"), 1) == at("2026-01-06 09:01+01:00")


def test_no_minutes_are_due_at_the_start_even_in_closed_time() -> None:
    sunday = at("2026-01-11 03:00:00.25+01:00")
    assert due(calendar(), sunday, 0) == sunday
    assert list(steps(calendar(), sunday, 0)) == []


def test_the_night_shift_of_friday_runs_into_saturday() -> None:
    assert due(calendar(hours=NIGHT), at("2026-01-09 12:00+01:00"), 300) == at("2026-01-10 03:00+01:00")


def test_a_shift_that_began_before_the_start_counts_from_the_start() -> None:
    assert due(calendar(hours=NIGHT), at("2026-01-10 05:00+01:00"), 60) == at("2026-01-10 06:00+01:00")


def test_a_day_may_end_at_24_and_the_next_begin_at_0() -> None:
    late = calendar(hours={"mon": ["18:00-24:00"], "tue": ["00:00-02:00"]})
    assert due(late, at("2026-01-05 23:00+01:00"), 120) == at("2026-01-06 01:00+01:00")
    (step,) = steps(late, at("2026-01-05 23:00+01:00"), 120)
    assert (step.opens, step.closes) == pause("2026-01-05 18:00+01:00", "2026-01-06 02:00+01:00")


def test_an_interval_to_midnight_may_say_0_or_24() -> None:
    until_0, until_24 = (calendar(hours={"mon": [f"22:00-{end}"]}) for end in ("00:00", "24:00"))
    start = at("2026-01-05 22:00+01:00")
    assert due(until_0, start, 150) == due(until_24, start, 150) == at("2026-01-12 22:30+01:00")


def test_overlapping_intervals_count_once() -> None:
    both = calendar(hours={"mon": ["09:00-12:00", "10:00-14:00", "11:00-11:30"]})
    assert due(both, at("2026-01-05 09:00+01:00"), 300) == at("2026-01-05 14:00+01:00")


def test_a_weekday_without_intervals_is_closed() -> None:
    assert due(calendar(hours={"tue": [], "wed": ["09:00-10:00"]}), at("2026-01-05 00:00"), 60) == at(
        "2026-01-07 09:00"
    )


def test_a_public_holiday_is_closed() -> None:
    german = calendar(country="DE")
    assert due(german, at("2026-12-24 17:30+01:00"), 60) == at("2026-12-28 09:30+01:00")


def test_a_subdivision_has_holidays_of_its_own() -> None:
    berlin, hamburg = (calendar(hours="24x7", country="DE", subdivision=name) for name in ("BE", "HH"))
    womens_day = at("2026-03-08 10:00+01:00")
    assert due(berlin, womens_day, 1) == at("2026-03-09 00:01+01:00")
    assert due(hamburg, womens_day, 1) == at("2026-03-08 10:01+01:00")


def test_the_day_off_for_a_holiday_at_the_weekend_is_closed() -> None:
    assert due(calendar("America/New_York", country="US"), at("2026-07-02 17:59-04:00"), 2) == at(
        "2026-07-06 09:01-04:00"
    )


def test_an_extra_date_is_closed() -> None:
    assert due(calendar(extra=["2026-01-05"]), at("2026-01-05 09:00+01:00"), 1) == at("2026-01-06 09:01+01:00")


def test_a_holiday_closes_the_night_that_begins_on_it_to_its_end() -> None:
    closed = calendar(hours=NIGHT, extra=["2026-01-09"])
    assert due(closed, at("2026-01-10 02:00+01:00"), 1) == at("2026-01-16 22:01+01:00")


def test_a_night_that_began_before_a_holiday_runs_on_into_it() -> None:
    closed = calendar(hours=NIGHT, extra=["2026-01-10"])
    assert due(closed, at("2026-01-10 02:00+01:00"), 240) == at("2026-01-10 06:00+01:00")


def test_24x7_counts_every_minute() -> None:
    assert due(calendar(hours="24x7"), at("2026-01-09 23:00"), 100_000) == at("2026-01-09 23:00") + timedelta(
        minutes=100_000
    )


def test_24x7_is_closed_on_its_holidays() -> None:
    closed = calendar(hours="24x7", extra=["2026-01-06"])
    assert due(closed, at("2026-01-05 23:30+01:00"), 60) == at("2026-01-07 00:30+01:00")


def test_24x7_loses_and_gains_nothing_when_clocks_change() -> None:
    for zone in ("Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "America/Havana"):
        assert elapsed(calendar(zone, "24x7"), at("2026-01-01 00:00"), at("2027-01-01 00:00")) == timedelta(days=365)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 3),
        ("Europe/Berlin", "2026-10-25", 5),
        ("America/New_York", "2026-03-08", 3),
        ("America/New_York", "2026-11-01", 5),
        ("Australia/Sydney", "2026-10-04", 3),
        ("Australia/Sydney", "2026-04-05", 5),
        ("Australia/Lord_Howe", "2026-10-04", 3.5),
        ("Australia/Lord_Howe", "2026-04-05", 4.5),
        ("Asia/Kolkata", "2026-03-29", 4),
    ],
)
def test_a_night_in_which_clocks_change_is_as_long_as_it_really_is(zone: str, day: str, hours: float) -> None:
    start = at(f"{day} 00:00") - timedelta(days=1)
    found = elapsed(calendar(zone, SUNDAY), start, start + timedelta(days=3))
    assert found == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes"),
    [
        # 02:30 is skipped, so it counts from the offset before: 03:30, when the interval also closes.
        ("Europe/Berlin", "2026-03-29", None, None),
        ("America/New_York", "2026-03-08", None, None),
        ("Australia/Sydney", "2026-10-04", None, None),
        # Half an hour is skipped, and 02:30 is the first moment after.
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 15:30", "2026-10-03 16:30"),
        # 02:30 comes twice: the first one opens.
        ("Europe/Berlin", "2026-10-25", "2026-10-25 00:30", "2026-10-25 02:30"),
        ("Australia/Sydney", "2026-04-05", "2026-04-04 15:30", "2026-04-04 17:30"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04 16:00", "2026-04-04 17:00"),
    ],
)
def test_an_opening_that_is_skipped_or_comes_twice(zone: str, day: str, opens: str | None, closes: str | None) -> None:
    start = at(f"{day} 00:00") - timedelta(days=1)
    step = next(steps(calendar(zone, EARLY), start, 1))
    if opens and closes:
        assert (step.opens, step.closes) == pause(opens, closes)
    else:
        assert step.opens > start + timedelta(days=7)


def test_a_midnight_that_clocks_skip_opens_at_the_moment_of_the_change() -> None:
    santiago = calendar("America/Santiago", {"sun": ["00:00-02:00"]})
    assert elapsed(santiago, at("2026-09-05 00:00"), at("2026-09-07 00:00")) == timedelta(hours=1)
    (step,) = steps(santiago, at("2026-09-05 00:00"), 1)
    assert step.opens == at("2026-09-06 04:00")


def test_a_midnight_that_comes_after_a_doubled_hour_is_one_moment() -> None:
    santiago = calendar("America/Santiago", {"sat": ["22:00-24:00"]})
    (step,) = steps(santiago, at("2026-04-04 12:00"), 1)
    assert (step.opens, step.closes) == pause("2026-04-05 01:00", "2026-04-05 04:00")


def test_a_day_that_a_zone_skipped_is_empty() -> None:
    apia = calendar("Pacific/Apia", {"thu": ["23:00-24:00"], "fri": ["00:00-24:00"]})
    assert elapsed(apia, at("2011-12-29 00:00"), at("2012-01-02 00:00")) == timedelta(hours=1)


def test_a_pause_stops_the_clock() -> None:
    lunchless = calendar(hours={"mon": ["09:00-17:00"]})
    paused = [pause("2026-01-05 10:00+01:00", "2026-01-05 11:00+01:00")]
    assert due(lunchless, at("2026-01-05 09:30+01:00"), 60, paused) == at("2026-01-05 11:30+01:00")


def test_a_target_reached_as_a_pause_begins_is_due_then() -> None:
    paused = [pause("2026-01-05 10:00+01:00", "2026-01-05 11:00+01:00")]
    assert due(calendar(), at("2026-01-05 09:30+01:00"), 30, paused) == at("2026-01-05 10:00+01:00")


def test_overlapping_pauses_count_once_in_whatever_order() -> None:
    paused = [
        pause("2026-01-05 10:30+01:00", "2026-01-05 11:30+01:00"),
        pause("2026-01-05 10:00+01:00", "2026-01-05 11:00+01:00"),
        pause("2026-01-05 10:10+01:00", "2026-01-05 10:20+01:00"),
    ]
    assert due(calendar(), at("2026-01-05 09:30+01:00"), 60, paused) == at("2026-01-05 12:00+01:00")


def test_a_pause_in_closed_time_changes_nothing() -> None:
    paused = [pause("2026-01-05 12:30+01:00", "2026-01-05 13:30+01:00"), pause("2026-01-03 00:00", "2026-01-04 00:00")]
    assert due(calendar(), at("2026-01-05 12:00+01:00"), 60, paused) == at("2026-01-05 14:00+01:00")


def test_only_the_open_part_of_a_pause_counts() -> None:
    paused = [pause("2026-01-05 12:00+01:00", "2026-01-05 14:00+01:00")]
    assert due(calendar(), at("2026-01-05 11:30+01:00"), 60, paused) == at("2026-01-05 14:30+01:00")


def test_a_pause_that_began_before_the_start_holds_it() -> None:
    paused = [pause("2026-01-04 00:00", "2026-01-05 10:00+01:00")]
    assert due(calendar(), at("2026-01-05 09:00+01:00"), 10, paused) == at("2026-01-05 10:10+01:00")


def test_a_pause_of_years_ends_all_the_same() -> None:
    paused = [pause("2026-01-01 00:00", "2028-01-03 09:00+01:00")]
    assert due(calendar(), at("2026-01-05 09:00+01:00"), 10, paused) == at("2028-01-03 09:10+01:00")


def test_fractions_are_exact() -> None:
    start = at("2026-01-05 09:00:00.000001+01:00")
    assert due(calendar(), start, 0.1) == at("2026-01-05 09:00:06.000001+01:00")
    assert due(calendar(), start, Decimal("0.5")) == at("2026-01-05 09:00:30.000001+01:00")
    assert due(calendar(), start, Decimal("210.05")) == at("2026-01-05 13:30:03.000001+01:00")


def test_a_target_of_years_is_found() -> None:
    one_hour = calendar(hours={"mon": ["09:00-10:00"]})
    assert due(one_hour, at("2026-01-05 00:00"), 60 * 52 * 10) == at("2035-12-17 10:00+01:00")


def test_the_walk_is_told_opening_by_opening() -> None:
    paused = [pause("2026-01-05 10:00+01:00", "2026-01-05 11:00+01:00")]
    morning, afternoon = steps(calendar(), at("2026-01-05 09:30+01:00"), 180, paused)
    assert (morning.opens, morning.closes) == pause("2026-01-05 09:00+01:00", "2026-01-05 12:30+01:00")
    assert morning.counted == (
        pause("2026-01-05 09:30+01:00", "2026-01-05 10:00+01:00"),
        pause("2026-01-05 11:00+01:00", "2026-01-05 12:30+01:00"),
    )
    assert morning.elapsed == timedelta(hours=2)
    assert afternoon.counted == (pause("2026-01-05 13:30+01:00", "2026-01-05 14:30+01:00"),)
    assert afternoon.elapsed == timedelta(hours=3)


def test_an_opening_is_told_whole_when_a_week_of_the_search_ends_in_it() -> None:
    """Weeks are counted from Thursday 1 January 1970 in UTC."""
    nights = calendar("UTC", {"wed": ["22:00-06:00"]})
    for start in ("2026-01-07 23:00", "2026-01-08 01:00"):
        (step,) = steps(nights, at(start), 120)
        assert (step.opens, step.closes) == pause("2026-01-07 22:00", "2026-01-08 06:00")


def test_elapsed_time_is_open_and_not_paused() -> None:
    paused = [pause("2026-01-05 12:00+01:00", "2026-01-05 14:00+01:00")]
    start, end = at("2026-01-05 11:00+01:00"), at("2026-01-06 09:30+01:00")
    assert elapsed(calendar(), start, end, paused) == timedelta(hours=5, minutes=30)
    assert elapsed(calendar(), start, start) == timedelta(0)


def test_elapsed_time_needs_its_end_after_its_start() -> None:
    with pytest.raises(CalendarError, match="end: lies before the start"):
        elapsed(calendar(), at("2026-01-06 00:00"), at("2026-01-05 00:00"))


def test_holidays_expanded_to_dates_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    given = calendar(country="DE", subdivision="BE", extra=["2026-12-24"])
    dated = expanded(given, 2025, 2027)
    assert closed_dates(given, 2026, 2026) >= {date(2026, 3, 8), date(2026, 12, 24), date(2026, 12, 25)}
    expected = due(given, at("2026-12-23 12:00+01:00"), 2000)
    monkeypatch.setitem(sys.modules, "holidays", None)
    again = parse_calendar(dated.model_dump(mode="json"))
    assert again == dated
    assert due(again, at("2026-12-23 12:00+01:00"), 2000) == expected


def test_closed_dates_are_those_of_the_years_asked_for() -> None:
    given = calendar(country="US", extra=["2021-06-01", "2023-06-01"])
    found = closed_dates(given, 2021, 2022)
    assert {day.year for day in found} == {2021, 2022}
    # New Year's Day of 2022 is a Saturday, so the Friday before is off.
    assert {date(2021, 12, 31), date(2021, 6, 1)} <= found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"timezone": "Europe/Berln"}, "timezone: there is no time zone 'Europe/Berln'; set it to an IANA time zone"),
        ({"timezone": "localtime"}, "timezone: there is no time zone 'localtime'; "),
        ({"timezone": ["UTC"]}, "timezone: there is no time zone ['UTC']; "),
        ({"open": "24/7"}, "open: should be 24x7 or a mapping of days, not '24/7'; "),
        ({"open": {}}, "open: has no interval on any day; "),
        ({"open": {"mon": [], "tue": []}}, "open: has no interval on any day; "),
        ({"open": {"monday": ["09:00-10:00"]}}, "open.monday: is an unknown key; did you mean mon?"),
        ({"open": {"mon": "09:00-10:00"}}, "open.mon: should be a list, not '09:00-10:00'; "),
        ({"open": {"mon": ["09:00-10:00", "9-17"]}}, "open.mon[1]: '9-17' is no interval; set it to a list of "),
        ({"open": {"mon": ["24:00-02:00"]}}, "open.mon[0]: '24:00-02:00' is no interval; "),
        ({"open": {"mon": ["20:00-24:30"]}}, "open.mon[0]: '20:00-24:30' is no interval; "),
        ({"open": {"mon": ["09:00-09:00"]}}, "open.mon[0]: '09:00-09:00' has no length: the whole day is 00:00-24:00"),
        ({"open": {"mon": [900]}}, "open.mon[0]: 900 is no interval; "),
        ({"holidays": ["2026-01-01"]}, "holidays: should be a mapping, not ['2026-01-01']; "),
        ({"holidays": {"country": "XX"}}, "holidays.country: there are no holidays of a country 'XX'; "),
        ({"holidays": {"country": "ECB"}}, "holidays.country: there are no holidays of a country 'ECB'; "),
        ({"holidays": {"country": "DE", "subdivision": "XX"}}, "holidays.subdivision: DE has no subdivision 'XX', it "),
        ({"holidays": {"subdivision": "BE"}}, "holidays.subdivision: stands without a country; "),
        ({"holidays": {"extra": ["2026-02-30"]}}, "holidays.extra[0]: '2026-02-30' is no date; "),
        ({"holidays": {"extra": [20260101]}}, "holidays.extra[0]: 20260101 is no date; "),
        ({"holiday": {}}, "holiday: is an unknown key; did you mean holidays?"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_a_remedy(changes: dict[str, Any], told: str) -> None:
    assert refusal({"timezone": "Europe/Berlin", "open": OFFICE, **changes}).startswith(told)


def test_every_mistake_is_told() -> None:
    found = refusal({"timezone": "Nowhere", "open": {"mon": ["9"], "tue": ["10"]}})
    assert [line.split(":")[0] for line in found.splitlines()] == ["timezone", "open.mon[0]", "open.tue[0]"]


def test_what_is_left_out_may_also_be_null() -> None:
    given = {"timezone": "UTC", "open": "24x7"}
    empty = {"country": None, "subdivision": None, "extra": None}
    assert parse_calendar({**given, "holidays": None}) == parse_calendar({**given, "holidays": empty})
    assert parse_calendar(given) == parse_calendar({**given, "holidays": {}})


def test_a_calendar_that_is_closed_for_more_than_a_year_is_refused() -> None:
    days = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(500)]
    told = refused(calendar(extra=days), "2026-01-05 09:00", 1)
    assert (
        told == "calendar: nothing is open for 400 days after 2026-01-05 09:00 UTC; check its open hours and holidays"
    )


def test_pauses_that_swallow_everything_are_refused() -> None:
    told = refused(calendar(), "2026-01-05 09:00", 1, pause("2026-01-01 00:00", "2199-12-31 23:59"))
    assert told.startswith("minutes: the target is not reached before the year 2200; check minutes, pauses")


@pytest.mark.parametrize("minutes", [-1, -0.5, float("nan"), float("inf"), Decimal("NaN"), 10**400, Decimal("1e999")])
def test_minutes_are_a_number_from_0_up(minutes: Any) -> None:
    assert " is not between 0 and " in refused(calendar(), "2026-01-05 09:00", minutes)


@pytest.mark.parametrize("minutes", [True, "60", None])
def test_nothing_else_passes_for_a_number(minutes: Any) -> None:
    assert refused(calendar(), "2026-01-05 09:00", minutes).startswith(f"minutes: {minutes!r} is no number; ")


def test_a_pause_that_ends_before_it_starts_is_refused() -> None:
    told = refused(calendar(), "2026-01-05 09:00", 1, pause("2026-01-05 10:00", "2026-01-05 09:00"))
    assert told == "pauses[0]: ends before it starts; give its start first"


def test_a_time_needs_an_offset() -> None:
    with pytest.raises(CalendarError, match=r"start: 2026-01-05T09:00:00 has no offset"):
        due(calendar(), at("2026-01-05 09:00").replace(tzinfo=None), 1)


@pytest.mark.parametrize("start", ["1899-12-31 23:59:59", "2200-01-01 00:00", "0001-01-01 00:00+14:00"])
def test_times_are_within_1900_to_2199(start: str) -> None:
    assert "is outside the years 1900 to 2199" in refused(calendar(), start, 1)


def test_the_first_and_last_moments_work() -> None:
    always = calendar("UTC", "24x7")
    assert due(always, at("1900-01-01 00:00"), 1) == at("1900-01-01 00:01")
    assert due(always, at("2199-12-31 23:58"), 1) == at("2199-12-31 23:59")
    assert "before the year 2200" in refused(always, "2199-12-31 23:59", 1)
