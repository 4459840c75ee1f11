"""What a list of people may say, how a mistake in it is told, and what it changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.people_changes import PersonChange, away_change, back_change, list_changes
from domain.people_source import GivenPerson, PeopleError, parse_people
from schemas.desk_records import Away, Person, Shift, WeekHours
from tests.domain.posts import policy

EXAMPLE = Path(__file__).parents[2] / "deploy" / "people.yaml"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN = "- {id: ann, name: Ann, role: agent}\n"


def given(text: str) -> list[GivenPerson]:
    return parse_people(text, "people.yaml", policy())


def refusal(text: str) -> str:
    with pytest.raises(PeopleError) as refused:
        given(text)
    return str(refused.value)


def ann(**fields: object) -> Person:
    return Person.model_validate({"id": "ann", "name": "Ann", "role": "agent", **fields})


def away(since: float, until: float) -> Away:
    """Hours after noon."""
    return Away(since=NOON + timedelta(hours=since), until=NOON + timedelta(hours=until))


def test_the_shipped_example_is_valid_and_names_the_adviser() -> None:
    people = {one.person.id: one.person for one in given(EXAMPLE.read_text("utf-8"))}
    assert people["assign_owners"].role == "adviser"
    assert people["agent-1"].away[0].until == datetime(2027, 1, 1, 23, tzinfo=UTC)
    assert {"agent", "lead", "approver", "read_only"} <= {person.role for person in people.values()}


def test_only_id_name_and_role_are_needed() -> None:
    assert [one.person for one in given(ANN)] == [ann()]


def test_a_shift_is_a_calendar_by_its_name_or_hours_of_their_own() -> None:
    (named,) = given("- {id: ann, name: Ann, role: agent, shift: 24x7}")
    assert named.person.shift == Shift(calendar="24x7")
    (own,) = given("- {id: ann, name: Ann, role: agent, shift: {timezone: UTC, open: {mon: ['09:00-17:00']}}}")
    assert own.person.shift == Shift(timezone="UTC", open=WeekHours(mon=("09:00-17:00",)))


def test_what_is_listed_from_the_log_can_be_given_again() -> None:
    people = [one.person for one in given(EXAMPLE.read_text("utf-8"))]
    text = json.dumps([person.model_dump(mode="json") for person in people])
    assert [one.person for one in given(text)] == people


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ("role: agnt", "role", "there is no role 'agnt'; did you mean agent?"),
        ("teams: [suport]", "teams[0]", "there is no team 'suport'; did you mean support?"),
        ("skills: [leed]", "skills[0]", "there is no skill 'leed'; did you mean lead?"),
        ("languages: [english]", "languages[0]", "set it to a list of ISO 639 codes, such as [en, de]"),
        ("capacity: -1", "capacity", "not -1; set it to a number of conversations, such as 20"),
        ("capacity: many", "capacity", "set it to a number of conversations, such as 20"),
        ("active: 1", "active", "set it to true, or false for somebody who has left"),
        ("shift: berlin", "shift.calendar", "there is no calendar 'berlin'"),
        ("shift: {timezone: Mars, open: 24x7}", "shift.timezone", "there is no time zone 'Mars'"),
        ("shift: {timezone: UTC, open: {mon: [9-5]}}", "shift.open.mon[0]", "'9-5' is no interval"),
        ("shift: {timezone: UTC}", "shift", "should say either calendar, or timezone and open"),
        ("shift: {calendar: 24x7, timezone: UTC, open: 24x7}", "shift", "should say either calendar, or timezone"),
        ("shift: {}", "shift", "should say either calendar, or timezone and open"),
        ("away: [{since: 2026-12-24, until: 2026-12-25}]", "away[0].since", "2026-12-24 is no time with an offset"),
        ("away: [{since: tomorrow, until: later}]", "away[0].until", "later is no time with an offset"),
        (
            "away: [{since: 2026-12-25T00:00:00Z, until: 2026-12-24T00:00:00Z}]",
            "away[0]",
            "ends before it starts; set it to a list of absences, each with since and until",
        ),
        ("rolle: agent", "rolle", "is an unknown key; did you mean role?"),
    ],
)
def test_a_mistake_is_told_with_file_line_place_and_hint(more: str, place: str, words: str) -> None:
    head = "" if more.startswith("role:") else "  role: agent\n"
    told = refusal(f"{ANN}- id: bob\n  name: Bob\n{head}  {more}\n").splitlines()
    line = 4 if more.startswith("role:") else 5
    assert any(one.startswith(f"people.yaml:{line}: [1].{place}: ") and words in one for one in told), told


def test_what_is_missing_is_told() -> None:
    assert refusal("- id: ann\n  role: agent\n") == (
        "people.yaml:1: [0].name: is missing; add `name:`, the name as people read it"
    )


def test_two_people_have_two_ids() -> None:
    assert refusal(ANN + ANN) == "people.yaml:2: [1].id: is that of the person on line 1; keep one"


def test_a_key_written_twice_is_told() -> None:
    assert "[0].role: is written twice" in refusal("- {id: ann, name: Ann, role: agent, role: lead}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "people.yaml:1: the file is empty; write a list of people into it"),
        ("ann: agent", "people.yaml:1: should be a list of people; begin each person with a dash, such as"),
        ("- [", "people.yaml:1: is not YAML: "),
        ("- ann", "people.yaml:1: [0]: should be a mapping of keys, not 'ann'"),
    ],
)
def test_what_is_no_list_of_people_is_told(text: str, told: str) -> None:
    assert refusal(text).startswith(told)


def test_a_list_changes_what_differs_and_nobody_who_is_missing_from_it() -> None:
    known = {"ann": ann(role="lead"), "bob": Person(id="bob", name="Bob", role="agent")}
    (change,) = list_changes(known, given(ANN))
    assert change == PersonChange(known["ann"], ann())
    assert change.fields() == {"role": ("lead", "agent")}
    assert list_changes({"ann": ann()}, given(ANN)) == []


def test_somebody_new_is_a_change_of_all_fields_that_were_said() -> None:
    (change,) = list_changes({}, given(ANN))
    assert change.before is None
    assert change.fields()["name"] == (None, "Ann")


def test_whoever_is_missing_has_left_if_that_is_asked_for() -> None:
    bob, gus = Person(id="bob", name="Bob", role="agent"), Person(id="gus", name="Gus", role="agent", active=False)
    (change,) = list_changes({"ann": ann(), "bob": bob, "gus": gus}, given(ANN), remove_missing=True)
    assert change.after == bob.model_copy(update={"active": False})


def test_absences_stay_where_the_list_says_nothing_of_them() -> None:
    known = {"ann": ann(away=(away(0, 1),))}
    assert list_changes(known, given(ANN)) == []
    (change,) = list_changes(known, given("- {id: ann, name: Ann, role: agent, away: []}"))
    assert change.after == ann()


def test_an_absence_is_added_once_and_those_long_over_go() -> None:
    before = ann(away=(away(-9 * 24, -8.5 * 24), away(-48, -24)))
    (change,) = away_change(before, NOON, NOON + timedelta(hours=3), NOON)
    assert change.after.away == (away(-48, -24), away(0, 3))
    assert away_change(change.after, NOON, NOON + timedelta(hours=3), NOON) == []


def test_whoever_is_back_is_away_no_longer_and_absences_to_come_are_off() -> None:
    (change,) = back_change(ann(away=(away(-2, -1), away(-1, 5), away(24, 48))), NOON)
    assert change.after.away == (away(-2, -1), away(-1, 0))
    assert back_change(ann(), NOON) == []
