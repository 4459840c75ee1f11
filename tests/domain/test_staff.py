"""Who is there: shifts, absences, and when nobody of a team could take anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendars import CalendarError
from domain.instants import to_ms
from domain.policy import Policy, parse_policy
from domain.staff import Cover, Staff, is_there, may_answer
from domain.state_head import NEVER
from schemas.desk_records import Away, Person, Shift, WeekHours
from tests.domain.posts import POLICY_TEXT, policy

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
OFFICE = WeekHours(**dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-17:00",)))
BY_DAY = Shift(timezone="UTC", open=OFFICE)
BY_NIGHT = Shift(timezone="UTC", open=WeekHours(mon=("22:00-06:00",), tue=("22:00-06:00",)))


def person(
    id_: str = "ann", *, role: str = "agent", away: tuple[tuple[float, float], ...] = (), **fields: object
) -> Person:
    """`away`: hours after Monday's midnight."""
    absences = tuple(Away(since=hour(since), until=hour(until)) for since, until in away)
    return Person.model_validate({"id": id_, "name": id_, "role": role, "away": absences, **fields})


def hour(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def staff(*people: Person) -> Staff:
    found = Staff()
    for one in people:
        found.know(one)
    return found


def cover(found: Staff, hours: float, team: str = "support", rules: Policy | None = None) -> tuple[bool, float | None]:
    """Whether anybody is there, and until which hour."""
    there, until = found.cover(team, rules or policy(), to_ms(hour(hours)))
    return there, None if until == NEVER else (until - to_ms(MONDAY)) / 3_600_000


def test_without_a_shift_somebody_is_always_there() -> None:
    assert cover(staff(person()), 3) == (True, None)


def test_hours_of_ones_own_begin_and_end() -> None:
    found = staff(person(shift=BY_DAY))
    assert [cover(found, at) for at in (3, 9, 16.9, 17, 90, 113)] == [
        (False, 9), (True, 17), (True, 17), (False, 33), (False, 105), (False, 177),
    ]  # fmt: skip


def test_shifts_that_follow_each_other_leave_no_gap() -> None:
    late = Shift(timezone="UTC", open=WeekHours(mon=("17:00-23:00",)))
    assert cover(staff(person(shift=BY_DAY), person("bob", shift=late)), 10) == (True, 23)


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    assert cover(staff(person(shift=BY_NIGHT)), 29) == (True, 30)


def test_hours_are_local_time() -> None:
    berlin = Shift(timezone="Europe/Berlin", open=OFFICE)
    assert cover(staff(person(shift=berlin)), 0) == (False, 8)


def test_whoever_is_away_is_not_there_from_its_start_up_to_its_end() -> None:
    found = staff(person(shift=BY_DAY, away=((10, 12),)))
    assert [cover(found, at) for at in (9, 10, 11.9, 12)] == [(True, 10), (False, 12), (False, 12), (True, 17)]


def test_a_holiday_of_the_named_calendar_is_no_shift() -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    week = {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    raw["calendars"] = {"office": {"timezone": "UTC", "open": week, "holidays": {"extra": ["2026-03-03"]}}}
    rules = parse_policy(yaml.safe_dump(raw), "policy.yaml")
    found = staff(person(shift=Shift(calendar="office")))
    assert cover(found, 18, rules=rules) == (False, 57)
    assert cover(found, 18, rules=policy()) == (True, None), "a calendar that the policy doesn't have"


@pytest.mark.parametrize(
    "one",
    [person(role="read_only"), person(role="wizard"), person(active=False), person(teams=("sales",))],
    ids=["may not answer", "unknown role", "left", "another team"],
)
def test_nobody_is_there_but_those_of_the_team_who_may_answer(one: Person) -> None:
    assert cover(staff(one, person("bob", teams=("product",))), 10) == (False, None)


def test_a_desk_that_knows_nobody_who_answers_does_not_say_that_nobody_is_there() -> None:
    assert cover(staff(), 10) == (True, None)
    assert cover(staff(person(role="approver")), 10) == (True, None)


def test_what_is_known_of_people_changes_at_once() -> None:
    found = staff(person())
    assert cover(found, 10) == (True, None)
    found.know(person(away=((9, 11),)))
    assert cover(found, 10) == (False, 11)


@pytest.mark.parametrize(
    "shift",
    [Shift(timezone="Mars", open=OFFICE), Shift(timezone="UTC"), Shift(open=OFFICE), Shift(), BY_DAY],
)
def test_hours_that_cannot_be_read_change_nothing(shift: Shift) -> None:
    found = staff(person())
    if shift == BY_DAY:
        found.know(person(shift=shift))
        return
    with pytest.raises(CalendarError):
        found.know(person(shift=shift))
    assert found["ann"] == person()


hours = st.floats(0, 300).map(lambda found: round(found, 2))
absences = st.lists(st.tuples(hours, hours), max_size=3).map(tuple)
shifts = st.sampled_from([None, BY_DAY, BY_NIGHT])
people = st.lists(st.builds(person, st.sampled_from("abcd"), shift=shifts, away=absences), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(people, hours, hours)
def test_somebody_is_there_if_anybody_is_and_so_it_stays_until_the_moment_that_is_told(
    given_people: list[Person], at: float, later: float
) -> None:
    found, rules = staff(*given_people), policy()
    there, until = found.cover("support", rules, to_ms(hour(at)))
    assert there == any(is_there(one, rules, hour(at)) for one in found.values() if may_answer(one, rules))
    moment = to_ms(hour(later))
    if to_ms(hour(at)) <= moment:
        assert (found.cover("support", rules, moment).there == there) or moment >= until
    if until != NEVER:
        assert found.cover("support", rules, until) != Cover(there, until)
