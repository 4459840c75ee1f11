"""Lists: filters, orders, pages."""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from console.pages import cursor
from console.tables import COMMANDS, CONVERSATIONS, ESCALATIONS, PEOPLE, TIMERS
from tests.console.desk_api import DeskApi
from tests.console.rows import at, command, conversation, escalation, timer

LIST = "/v1/conversations"


async def walked(desk: DeskApi, path: str, limit: int, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await desk.shown(path, "ann", limit=limit, **query, **after)
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def keys(items: list[dict[str, Any]]) -> list[str]:
    return [item["conversation"] for item in items]


def some_conversations() -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [
        conversation(
            f"Delta:x:{number}",
            priority=chance.randint(1, 5),
            due_at=chance.choice([None, at(10), at(20), at(30)]),
            changed_at=at(chance.randint(0, 5)),
        )
        for number in range(60)
    ]


@pytest.mark.parametrize("limit", [1, 7, 59, 60, 200])
async def test_what_presses_most_comes_first_however_it_is_cut_into_pages(desk: DeskApi, limit: int) -> None:
    rows = some_conversations()
    desk.have(CONVERSATIONS, *rows)
    expected = sorted(rows, key=lambda row: (row["priority"], row["due_at"] or at(10_000), row["conversation"]))
    assert keys(await walked(desk, LIST, limit)) == keys(expected)


@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_what_changed_last_comes_first_however_it_is_cut_into_pages(desk: DeskApi, limit: int) -> None:
    rows = some_conversations()
    desk.have(CONVERSATIONS, *rows)
    expected = sorted(rows, key=lambda row: (row["changed_at"], row["conversation"]), reverse=True)
    assert keys(await walked(desk, LIST, limit, sort="newest")) == keys(expected)


async def test_what_comes_meanwhile_repeats_nothing(desk: DeskApi) -> None:
    desk.have(CONVERSATIONS, *[conversation(f"Delta:x:{number}", priority=3) for number in range(4)])
    first = await desk.shown(LIST, limit=2)
    desk.have(CONVERSATIONS, conversation("Delta:x:00", priority=1))
    second = await desk.shown(LIST, limit=2, after=first["next"])
    assert keys(first["items"] + second["items"]) == [f"Delta:x:{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ({"status": "resolved"}, {"status": "resolved"}),
        ({"team": "sales"}, {"team": "sales"}),
        ({"queue": "pr-leads"}, {"queue": "pr-leads"}),
        ({"owner": "ann"}, {"owner": "ann"}),
        ({"owner": "me"}, {"owner": "ann"}),
        ({"holder": "me"}, {"holder": "ann"}),
        ({"holder": "bob"}, {"holder": "bob"}),
        ({"brand": "Uber"}, {"brand": "Uber"}),
        ({"type": "sales_inquiry"}, {"type": "sales_inquiry"}),
        ({"waiting": "false"}, {"waiting": False}),
        ({"in_review": "true"}, {"in_review": 2}),
        ({"priority": 5}, {"priority": 5}),
        ({"priority": 5, "queue": "pr-leads"}, {"priority": 5, "queue": "pr-leads"}),
    ],
)
@pytest.mark.parametrize("sort", ["pressing", "newest"])
async def test_a_filter_shows_what_it_names_and_nothing_else(
    desk: DeskApi, query: dict[str, Any], changed: dict[str, Any], sort: str
) -> None:
    desk.have(CONVERSATIONS, conversation("Delta:x:1"), conversation("Delta:x:2", owner="eve"))
    desk.have(CONVERSATIONS, conversation("Delta:x:3", **changed))
    assert keys((await desk.shown(LIST, "ann", sort=sort, **query))["items"]) == ["Delta:x:3"]


async def test_only_what_is_open_is_listed_unless_asked(desk: DeskApi) -> None:
    desk.have(CONVERSATIONS, conversation("Delta:x:1", status="spam"), conversation("Delta:x:2"))
    assert keys((await desk.shown(LIST))["items"]) == ["Delta:x:2"]


async def test_instants_are_told_in_utc(desk: DeskApi) -> None:
    desk.have(CONVERSATIONS, conversation(snoozed_until=at(0.5)))
    (item,) = (await desk.shown(LIST))["items"]
    assert (item["opened_at"], item["snoozed_until"]) == ("2026-03-02T12:00:00Z", "2026-03-02T12:00:30Z")


BROKEN = [
    "",
    "?",
    "nonsense",
    "e30",
    urlsafe_b64encode(b"[" * 100_000).decode()[:9000],
    cursor("newest", (at(0), "Delta:x:1")),  # of another order
    cursor("pressing", (1, at(0))),
    cursor("pressing", (9, at(0), "Delta:x:1")),
    cursor("pressing", (1, 2**70, "Delta:x:1")),
    cursor("pressing", (1, at(0), "a\0b")),
    cursor("pressing", (True, at(0), "Delta:x:1")),
]


@pytest.mark.parametrize("after", BROKEN)
async def test_a_cursor_that_is_none_is_refused(desk: DeskApi, after: str) -> None:
    answer = await desk.get(LIST, after=after)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), answer.text


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (LIST, {"limit": 201}, "limit"),
        (LIST, {"limit": 0}, "limit"),
        (LIST, {"status": "everything"}, "status"),
        (LIST, {"team": "a\0b"}, "team"),
        (LIST, {"stauts": "open"}, "stauts"),
        (LIST, {"priority": 6}, "priority"),
        ("/v1/commands", {"since": "2026-03-02T12:00:00"}, "since"),
        ("/v1/commands", {"conversation": "a\0b"}, "conversation"),
        ("/v1/timers", {"state": "late"}, "state"),
        ("/v1/escalations", {"state": "late"}, "state"),
        ("/v1/escalations", {"trigger": "rain"}, "trigger"),
        ("/v1/people", {"active": "perhaps"}, "active"),
    ],
)
async def test_what_cannot_be_asked_is_told_by_its_name(
    small_desk: DeskApi, path: str, query: dict[str, Any], field: str
) -> None:
    answer = await small_desk.get(path, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert [problem["field"] for problem in answer.json()["fields"]] == [field]


async def test_queues_count_what_is_open(desk: DeskApi) -> None:
    desk.have(
        CONVERSATIONS,
        conversation("Delta:x:1", due_at=at(-1)),
        conversation("Delta:x:2", due_at=at(1), owner="ann", in_review=1),
        conversation("Delta:x:3", due_at=None, waiting=False),
        conversation("Delta:x:4", status="resolved", due_at=at(-1)),
        conversation("Delta:x:5", team="pr", queue="pr-leads", owner="bob"),
    )
    pr, support = await desk.shown("/v1/queues")
    assert pr == {
        "team": "pr", "queue": "pr-leads", "open": 1, "waiting": 1, "in_review": 0, "overdue": 0, "unowned": 0
    }  # fmt: skip
    assert support == {
        "team": "support", "queue": "support-queue",
        "open": 3, "waiting": 2, "in_review": 1, "overdue": 1, "unowned": 2,
    }  # fmt: skip


async def test_timers_that_run_come_by_what_falls_due_first(desk: DeskApi) -> None:
    desk.have(TIMERS, *[timer(f"c{number}", due_at=at(number % 3)) for number in range(9)])
    desk.have(TIMERS, timer("late", state="breached", due_at=at(-5), ended_at=at(-5), cause="unassigned"))
    cycles = [item["cycle"] for item in await walked(desk, "/v1/timers", 2)]
    assert cycles == ["c0", "c3", "c6", "c1", "c4", "c7", "c2", "c5", "c8"]
    (breached,) = await walked(desk, "/v1/timers", 2, state="breached", team="support", target="first_response")
    assert (breached["cycle"], breached["cause"], breached["ended_at"]) == (
        "late",
        "unassigned",
        "2026-03-02T11:55:00Z",
    )


async def test_escalations_that_are_open_come_by_what_changed_last(desk: DeskApi) -> None:
    desk.have(
        ESCALATIONS,
        escalation("e1", changed_at=at(1)),
        escalation("e2", changed_at=at(3), state="acknowledged", by="lea"),
        escalation("e3", changed_at=at(2), state="closed"),
    )
    assert [item["id"] for item in await walked(desk, "/v1/escalations", 1)] == ["e2", "e1"]
    assert [item["id"] for item in await walked(desk, "/v1/escalations", 1, state="closed")] == ["e3"]
    assert await walked(desk, "/v1/escalations", 1, trigger="safety") == []


async def test_people_come_by_id(desk: DeskApi) -> None:
    found = [item["id"] for item in await walked(desk, "/v1/people", 3)]
    assert found == ["ada", "ann", "apu", "bob", "eve", "gus", "lea", "rex"]
    assert [item["id"] for item in await walked(desk, "/v1/people", 3, active="false")] == ["gus"]
    assert [item["teams"] for item in await walked(desk, "/v1/people", 3, role="lead")] == [["support", "sales"]]


async def test_people_are_shown_with_what_says_whom_they_are_given(desk: DeskApi) -> None:
    away = {"since": "2026-12-24T00:00:00Z", "until": "2027-01-02T00:00:00Z"}
    given = {"capacity": 5, "skills": ["lead"], "languages": ["de"], "shift": {"calendar": "office"}, "away": [away]}
    desk.have(PEOPLE, {"id": "max", "name": "Max", "role": "approver", "teams": [], "active": True, **given})
    free, limited = (await desk.shown("/v1/people", role="approver"))["items"]
    shown = given | {"shift": {"calendar": "office", "timezone": None, "open": None}}
    assert {name: limited[name] for name in given} == shown
    assert {name: free[name] for name in given} == {
        "capacity": None, "skills": [], "languages": [], "shift": None, "away": []
    }  # fmt: skip


async def test_commands_are_found_by_person_conversation_time_and_outcome(desk: DeskApi) -> None:
    desk.have(
        COMMANDS,
        command("k1", at=at(1)),
        command("k2", at=at(2), by="bob", accepted=False, code="claimed_by_other", reason="ann has it"),
        command("k3", "Delta:x:2", at=at(3)),
    )
    path = "/v1/commands"
    assert [item["id"] for item in await walked(desk, path, 1)] == ["k3", "k2", "k1"]
    assert [item["id"] for item in await walked(desk, path, 1, by="ann")] == ["k3", "k1"]
    assert [item["id"] for item in await walked(desk, path, 1, conversation="Delta:x:2")] == ["k3"]
    assert [item["id"] for item in await walked(desk, path, 1, since="2026-03-02T13:02:00+01:00")] == ["k3", "k2"]
    (refused,) = await walked(desk, path, 1, accepted="false")
    assert (refused["by"], refused["code"], refused["answer"]["command"]) == ("bob", "claimed_by_other", "k2")
