"""Incidents as rows: how they stand, who belongs to them, what people decided."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from schemas.desk_records import Away, Person, Shift
from schemas.incident_records import ApproveStatement, Confirm, Dismiss, State
from tests.console.story import Story, found, have_an_incident, key, mention, minute, rows, said, write


def ms(number: float) -> int:
    return int(minute(number).timestamp() * 1000)


def by_id(engine: Engine, table: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows(engine)[table]}


def outage(*threads: str) -> Story:
    """An incident that these have in common."""
    story = Story()
    for thread in threads:
        story.mention(mention(thread), found())
    story.propose(*threads)
    return story


def test_an_incident_stands_as_was_told_last_with_who_decided(engine: Engine) -> None:
    story = Story()
    have_an_incident(story)
    write(engine, story.records)
    incidents = by_id(engine, "incidents")
    stands = incidents["i1"]
    assert (stands["brand"], stands["type"], stands["title"]) == ("Delta", "customer_complaint", "where is my bag")
    assert (stands["status"], stands["text"]) == ("closed", "We know, and are on it.")
    assert [stands[f"{what}_by"] for what in ("confirmed", "stated", "approved")] == ["lea", "ann", "lea"]
    assert [stands[name] for name in ("all_members", "accepted", "answered", "skipped")] == [3, 2, 2, 1]
    assert (stands["proposed_at"], stands["reason"]) == (ms(68), None)
    assert stands["changed_at"] > ms(76)
    assert (incidents["i2"]["status"], incidents["i2"]["reason"]) == ("dismissed", "only one")
    assert incidents.keys() == {"i1", "i2"}


def test_a_member_is_told_how_far_the_statement_came_and_why_no_further(engine: Engine) -> None:
    story = Story()
    have_an_incident(story)
    write(engine, story.records)
    members = {row["conversation"]: row for row in by_id(engine, "incident_members").values()}
    assert {conversation: (row["incident"], row["state"]) for conversation, row in members.items()} == {
        key("belt-0"): ("i1", "answered"),
        key("belt-1"): ("i1", "skipped"),
        key("belt-2"): ("i1", "answered"),
        key("belt-3"): ("i2", "joined"),
    }
    assert members[key("belt-1")]["reason"].startswith("claimed_by_other: ann has claimed")
    assert (members[key("belt-0")]["mention"], members[key("belt-0")]["joined_at"]) == (said("belt-0"), ms(68))


def test_a_command_that_is_told_again_takes_nothing_back(engine: Engine) -> None:
    story = outage("a", "b")
    story.decide("lea", Confirm(), id_="confirm")
    story.decide("ann", State(text="one"), id_="first")
    draft = story.decide("ann", State(text="two"))
    write(engine, story.records)
    before = {table: by_id(engine, table) for table in ("incidents", "incident_members", "commands", "trail")}
    assert before["incidents"]["i1"]["text"] == "two"
    again = [story.decide("lea", Confirm(), id_="confirm"), story.decide("ann", State(text="one"), id_="first")]
    assert [told.kind for told in again] == ["confirmed", "stated"]
    write(engine, story.records[-2:])
    assert {table: by_id(engine, table) for table in before} == before
    story.decide("lea", ApproveStatement(statement=draft.statement or ""))
    story.decide("lea", Confirm(), id_="confirm")
    write(engine, story.records)
    stands = by_id(engine, "incidents")["i1"]
    assert (stands["text"], stands["approved_by"], stands["accepted"]) == ("two", "lea", 2)


def test_who_decided_what_is_in_the_audit_log_refusals_too(engine: Engine) -> None:
    story = outage("a")
    story.decide("ann", Confirm(), id_="k1")
    story.decide("lea", Confirm(), id_="k2")
    story.decide("lea", Confirm(), "nowhere", id_="k3")
    write(engine, story.records)
    found_ = by_id(engine, "commands")
    shown = ("conversation", "action", "by", "accepted", "code")
    assert {id_: tuple(found_[id_][name] for name in shown) for id_ in ("k1", "k2", "k3")} == {
        "k1": ("incident:i1", "confirm", "ann", False, "not_allowed"),
        "k2": ("incident:i1", "confirm", "lea", True, "accepted"),
        "k3": ("incident:nowhere", "confirm", "lea", False, "unknown_incident"),
    }
    assert found_["k2"]["answer"]["kind"] == "confirmed"
    assert by_id(engine, "incidents").keys() == {"i1"}


def test_the_trail_of_an_incident_stands_under_its_key(engine: Engine) -> None:
    story = outage("a")
    story.decide("lea", Dismiss(reason="only one"))
    write(engine, story.records)
    trail = [row for row in rows(engine)["trail"] if row["conversation"] == "incident:i1"]
    told = sorted(trail, key=lambda row: (row["at"], row["sequence"]))
    assert [(row["about"], row["kind"], row["by"]) for row in told] == [
        ("incident", "proposed", None), ("incident", "dismissed", "lea"),
    ]  # fmt: skip


def test_an_incident_whose_id_no_database_can_hold_stops_nothing(engine: Engine) -> None:
    story = Story()
    story.mention(mention("a"), found())
    story.propose("a", incident="i\x001")
    write(engine, story.records)
    story.decide("lea", Confirm(), "i\x001")
    write(engine, story.records)
    (stands,) = rows(engine)["incidents"]
    assert (stands["id"], stands["status"]) == ("i\ufffd1", "confirmed")


def test_a_person_is_kept_with_what_says_whom_they_are_given(engine: Engine) -> None:
    away = Away(since=minute(0), until=minute(60))
    story = Story()
    story.say(
        Person(
            id="max", name="Max", role="agent", capacity=5, skills=("lead",), languages=("de",),
            shift=Shift(calendar="office"), away=(away,),
        )
    )  # fmt: skip
    write(engine, story.records)
    people = by_id(engine, "people")
    kept = people["max"]
    assert (kept["capacity"], kept["skills"], kept["languages"]) == (5, ["lead"], ["de"])
    assert kept["shift"]["calendar"] == "office"
    assert kept["away"] == [{"since": "2026-03-02T12:00:00Z", "until": "2026-03-02T13:00:00Z"}]
    free = people["ann"]
    assert [free[name] for name in ("capacity", "skills", "languages", "shift", "away")] == [None, [], [], None, []]
