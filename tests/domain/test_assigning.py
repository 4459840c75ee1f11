"""Whom the adviser asks to take what is nobody's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from domain.assigning import ADVISER, Adviser, Standing
from domain.policy import Policy, parse_policy
from schemas.desk_events import DeskAnswer
from schemas.desk_records import Assign, Away, DeskCommand, Person, Shift, WeekHours
from schemas.ids import derive_id
from tests.domain.posts import POLICY_TEXT, policy

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
ADVISING = Person(id=ADVISER, name="Assigns owners", role="adviser")


def person(id_: str, *, role: str = "agent", **fields: object) -> Person:
    return Person.model_validate({"id": id_, "name": id_, "role": role, **fields})


def rules(**assigning: object) -> Policy:
    raw = yaml.safe_load(POLICY_TEXT)
    raw["assigning"] = assigning
    return parse_policy(yaml.safe_dump(raw), "policy.yaml")


def standing(number: int = 1, **fields: object) -> Standing:
    """A complaint that waits, and is nobody's."""
    usual = {
        "conversation": f"Delta:x:{number}",
        "told": f"opened {number}",
        "type": "customer_complaint",
        "language": "en",
        "team": "support",
        "queue": "support-queue",
        "priority": 2,
        "owner": "",
        "last_inbound": f"m{number}",
        "busy": True,
        "in_review": False,
        "snoozed": False,
        "since": number,
    }
    return Standing(**{**usual, **fields})  # type: ignore[arg-type]


def adviser(*people: Person, by: Policy | None = None) -> Adviser:
    found = Adviser(by or policy())
    for one in (ADVISING, *people):
        found.know(one)
    return found


def asked(found: Adviser, *standings: Standing, now: datetime = NOW) -> list[tuple[str, str]]:
    """Conversation by its number, and who is asked."""
    for one in standings:
        found.see(one.conversation, one)
    return [(command.conversation.split(":")[2], to(command)) for command in found.commands(now)]


def to(command: DeskCommand) -> str:
    assert isinstance(command.action, Assign)
    return command.action.to


def answer(command: DeskCommand, code: str) -> DeskAnswer:
    return DeskAnswer.model_validate(
        {
            "id": derive_id("answer", command.id),
            "conversation": command.conversation,
            "command": command.id,
            "action": "assign",
            "by": ADVISER,
            "accepted": code == "accepted",
            "code": code,
            "reason": "so it is",
            "at": NOW,
        }
    )


def test_with_nobody_to_ask_nothing_happens() -> None:
    assert asked(adviser(), standing()) == []


def test_without_an_adviser_among_the_people_nothing_happens() -> None:
    found = Adviser(policy())
    found.know(person("ann"))
    assert asked(found, standing()) == []
    found.know(ADVISING.model_copy(update={"role": "agent"}))
    assert asked(found) == []
    found.know(ADVISING.model_copy(update={"active": False}))
    assert asked(found) == []
    found.know(ADVISING)
    assert asked(found) == [("1", "ann")]


def test_whoever_has_the_least_to_do_is_asked_and_what_they_are_being_given_counts() -> None:
    found = adviser(person("ann"), person("bob"))
    owned = [standing(9, owner="ann"), standing(8, owner="ann")]
    assert asked(found, *owned, standing(1), standing(2), standing(3), standing(4)) == [
        ("1", "bob"), ("2", "bob"), ("3", "ann"), ("4", "bob"),
    ]  # fmt: skip


def test_what_is_answered_snoozed_or_closed_is_nothing_to_do() -> None:
    found = adviser(person("ann"), person("bob"))
    asked(found, standing(7, owner="ann", busy=False), standing(8, owner="ann", snoozed=True), standing(9, owner="ann"))
    assert found.load_of("ann") == 1
    found.see("Delta:x:9", None)
    assert found.load_of("ann") == 0


def test_in_turn_means_in_turn_whatever_they_have() -> None:
    found = adviser(person("ann"), person("bob"), by=rules(strategy="round_robin"))
    owned = [standing(9, owner="ann"), standing(8, owner="ann")]
    assert [who for _, who in asked(found, *owned, *map(standing, range(4)))] == ["ann", "bob", "ann", "bob"]


def test_a_policy_may_want_nobody_to_be_asked() -> None:
    assert asked(adviser(person("ann"), by=rules(strategy="none")), standing()) == []


def test_the_most_pressing_comes_first_then_what_has_waited_longest() -> None:
    found = adviser(person("ann", capacity=2))
    waiting = [standing(3), standing(2), standing(1, priority=3), standing(4, priority=1)]
    assert asked(found, *waiting) == [("4", "ann"), ("2", "ann")]


def test_nobody_is_asked_for_more_than_they_have_room_for() -> None:
    found = adviser(person("ann", capacity=1), person("bob", capacity=0))
    assert asked(found, standing(1), standing(2)) == [("1", "ann")]
    assert found.unassigned == 1


@pytest.mark.parametrize(
    "one",
    [
        person("ann", active=False),
        person("ann", role="read_only"),
        person("ann", role="approver"),
        person("ann", role="wizard"),
        person("ann", teams=["sales"]),
        person("ann", skills=["sales_inquiry"]),
        person("ann", languages=["de", "fr"]),
        person("ann", shift=Shift(timezone="UTC", open=WeekHours(tue=("09:00-17:00",)))),
        person("ann", away=[Away(since=NOW, until=NOW + timedelta(hours=1))]),
    ],
    ids=["left", "reader", "approver", "no role", "other team", "other type", "other language", "off shift", "away"],
)
def test_somebody_who_could_not_take_it_is_not_asked(one: Person) -> None:
    assert asked(adviser(one), standing()) == []


@pytest.mark.parametrize(
    "one",
    [
        person("ann", role="lead"),
        person("ann", teams=["sales", "support"]),
        person("ann", skills=["customer_complaint", "sales_inquiry"]),
        person("ann", skills=["lead"]),
        person("ann", languages=["de", "en"]),
        person("ann", shift=Shift(timezone="UTC", open=WeekHours(mon=("09:00-17:00",)))),
        person("ann", away=[Away(since=NOW - timedelta(hours=1), until=NOW)]),
    ],
)
def test_somebody_who_could_take_it_is_asked(one: Person) -> None:
    assert asked(adviser(one), standing()) == [("1", "ann")]


def test_what_is_in_an_unknown_language_anybody_may_take() -> None:
    assert asked(adviser(person("ann", languages=["de"])), standing(language="und")) == [("1", "ann")]


@pytest.mark.parametrize(
    ("need", "asks"),
    [
        ({"queue": "support-queue"}, True),
        ({"queue": "support-leads"}, False),
        ({"type": "customer_complaint", "team": "support"}, True),
        ({"type": "sales_inquiry"}, False),
        ({"brand": "Delta"}, True),
        ({"brand": "Google"}, False),
        ({"priority": 2}, True),
        ({"priority": 1}, False),
    ],
)
def test_a_conversation_asks_for_the_skills_of_the_policy(need: dict[str, object], asks: bool) -> None:
    found = adviser(
        person("ann"),
        person("zoe", skills=["vip"]),
        by=rules(strategy="least_loaded", needs=[{"skill": "vip", **need}]),
    )
    assert asked(found, standing()) == [("1", "zoe" if asks else "ann")]


def test_what_waits_for_its_label_or_rests_is_left_alone() -> None:
    found = adviser(person("ann"))
    assert asked(found, standing(1, in_review=True), standing(2, snoozed=True), standing(3, busy=False)) == []


def test_nobody_is_asked_twice_while_the_desk_has_not_answered() -> None:
    found = adviser(person("ann"))
    assert asked(found, standing()) == [("1", "ann")]
    assert asked(found) == []
    assert asked(found, standing(told="noted")) == []


def test_an_adviser_that_begins_anew_asks_by_the_same_command() -> None:
    commands = []
    for _ in range(2):
        found = adviser(person("ann"), person("bob"))
        found.see("Delta:x:1", standing())
        commands += found.commands(NOW)
    assert len({command.id for command in commands}) == 1


def test_a_refusal_that_is_about_the_person_makes_it_ask_another_by_another_command() -> None:
    found = adviser(person("ann"), person("bob"))
    found.see("Delta:x:1", standing())
    (first,) = found.commands(NOW)
    assert found.hear(answer(first, "unknown_person"))
    assert found.load_of("ann") == 0
    (second,) = found.commands(NOW)
    assert (to(first), to(second)) == ("ann", "bob")
    assert first.id != second.id
    assert found.hear(answer(second, "unknown_role"))
    assert found.commands(NOW) == []


def test_a_refusal_that_is_about_the_conversation_makes_it_wait_for_news() -> None:
    found = adviser(person("ann"))
    found.see("Delta:x:1", standing())
    (first,) = found.commands(NOW)
    found.hear(answer(first, "already_assigned"))
    assert (found.commands(NOW), found.load_of("ann")) == ([], 0)
    assert asked(found, standing(told="released", last_inbound="m2")) == [("1", "ann")]


def test_other_answers_are_nothing_to_it() -> None:
    found = adviser(person("ann"))
    found.see("Delta:x:1", standing())
    (first,) = found.commands(NOW)
    assert not found.hear(answer(first.model_copy(update={"id": "somebody else's"}), "already_assigned"))
    assert found.load_of("ann") == 1


def test_whoever_gave_it_back_or_was_silent_is_not_asked_again_until_the_customer_writes() -> None:
    found = adviser(person("ann"))
    assert asked(found, standing(owner="ann"), standing(told="owner_silent")) == []
    found.know(person("bob"))
    assert asked(found) == [("1", "bob")]
    assert asked(found, standing(told="assigned", owner="bob"), standing(told="released")) == [("1", "ann")]
    assert asked(found, standing(2, owner="ann"), standing(2, told="wrote", last_inbound="m3")) != []


def test_the_start_of_a_shift_is_enough_to_be_asked() -> None:
    found = adviser(person("ann", shift=Shift(timezone="UTC", open=WeekHours(mon=("13:00-17:00",)))))
    assert asked(found, standing()) == []
    assert asked(found, now=NOW + timedelta(hours=1)) == [("1", "ann")]
