"""What the read model shows of the desk as metrics, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert

from console.tables import CONVERSATIONS, ESCALATIONS, POSTS, TIMERS
from console.watch_desk import DeskNow, look, show
from streams.metrics import CATALOGUE
from tests.console.rows import at, conversation, escalation, post, timer

NOW = at(100)


def seen(engine: Engine, rows: dict[Table, list[dict[str, Any]]]) -> DeskNow:
    with engine.begin() as connection:
        for table, some in rows.items():
            connection.execute(insert(table), some)
        return look(connection, NOW)


def test_an_empty_desk_has_nothing_open(engine: Engine) -> None:
    assert seen(engine, {}) == DeskNow(0, {}, 0, 0.0, {}, 0.0)


def test_open_timers_are_counted_by_how_soon_they_are_due(engine: Engine) -> None:
    dues = {"overdue": 99, "15m": 110, "1h": 150, "4h": 300, "24h": 1000, "later": 5000}
    timers = [timer(name, due_at=at(minute)) for name, minute in dues.items()]
    ended = [timer("met", state="met", due_at=at(110)), timer("missed", state="breached", due_at=at(90))]
    review = timer("doubt", target="review", id="a review", due_at=at(110))
    found = seen(engine, {TIMERS: [*timers, *ended, review]})
    assert found.timers == {("first_response", name): 1 for name in dues} | {("review", "15m"): 1}


@pytest.mark.parametrize(("minute", "within"), [(100, "15m"), (115, "1h"), (160, "4h"), (340, "24h"), (1540, "later")])
def test_a_timer_that_is_due_just_at_an_edge_belongs_behind_it(engine: Engine, minute: int, within: str) -> None:
    assert seen(engine, {TIMERS: [timer(due_at=at(minute))]}).timers == {("first_response", within): 1}


def test_the_oldest_doubtful_mention_of_an_open_conversation_tells_how_long_review_waits(engine: Engine) -> None:
    keys = {"waits": "Delta:x:1", "waits longer": "Delta:x:2", "is looked at": "Delta:x:3", "is closed": "Delta:x:4"}
    conversations = [
        conversation(keys["waits"], in_review=1),
        conversation(keys["waits longer"], in_review=2),
        conversation(keys["is looked at"], in_review=0),
        conversation(keys["is closed"], in_review=1, status="resolved"),
    ]
    timers = [
        timer(name, key, target="review", id=name, started_at=at(began), state=state)
        for (name, key), began, state in zip(
            keys.items(), (90, 40, 5, 1), ("running", "breached", "met", "running"), strict=True
        )
    ]
    found = seen(engine, {CONVERSATIONS: conversations, TIMERS: timers})
    assert (found.in_review, found.review_wait) == (2, 60 * 60)


def test_escalations_that_nobody_has_accepted_wait_since_they_began(engine: Engine) -> None:
    escalations = [
        escalation("e1", started_at=at(70)),
        escalation("e2", started_at=at(40), state="climbed", trigger="safety"),
        escalation("e3", started_at=at(50), state="at_last_step", trigger="safety"),
        escalation("e4", started_at=at(1), state="acknowledged"),
        escalation("e5", started_at=at(1), state="closed"),
    ]
    found = seen(engine, {ESCALATIONS: escalations})
    assert (found.escalations, found.escalation_wait) == ({"legal_threat": 1, "safety": 2}, 60 * 60)


def test_a_mention_without_owner_or_end_is_a_gap_after_a_minute(engine: Engine) -> None:
    posts = [
        post("old", received_at=at(98), settled=False),
        post("new", received_at=at(99.5), settled=False),
        post("routed", received_at=at(1)),
    ]
    assert seen(engine, {POSTS: posts}).gaps == 1


def test_what_is_no_longer_so_is_shown_as_zero() -> None:
    show(DeskNow(3, {("review", "overdue"): 7}, 2, 30.0, {"safety": 4}, 20.0))
    assert CATALOGUE.get_sample_value("tenfour_timers_due", {"target": "review", "within": "overdue"}) == 7
    assert CATALOGUE.get_sample_value("tenfour_escalations_unacknowledged", {"trigger": "safety"}) == 4
    assert CATALOGUE.get_sample_value("tenfour_completeness_gaps") == 3
    show(DeskNow(0, {}, 0, 0.0, {}, 0.0))
    assert CATALOGUE.get_sample_value("tenfour_timers_due", {"target": "review", "within": "overdue"}) == 0
    assert CATALOGUE.get_sample_value("tenfour_escalations_unacknowledged", {"trigger": "safety"}) == 0
    assert CATALOGUE.get_sample_value("tenfour_review_oldest_seconds") == 0
