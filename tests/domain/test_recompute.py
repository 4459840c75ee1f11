"""An edited policy for what runs already: what changes, what stays, and that asking twice is asking once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import Clock
from domain.cycle_state import Kind, decode_case
from domain.partition_states import TICK_KEY
from domain.policy import Policy, parse_policy
from domain.recompute import recomputed
from domain.routing import route
from domain.state_head import kind_of
from domain.working_time import WorkingTime
from schemas.ids import derive_id
from schemas.records import MentionType, SlaEvent, TimerStart, TimerSupersede
from tests.domain.posts import POLICY_TEXT, classified, mention, policy
from tests.domain.test_case_properties import VERDICTS, facts, new_clock
from tests.domain.timer_log import Entry, events, minute, reply, start, stop, supersede, tick

BEFORE = policy()
CONVERSATION = "Delta:x:thread%201"
BERLIN = """calendars:
  berlin:
    timezone: Europe/Berlin
    open: {mon: ["09:00-17:00"], tue: ["09:00-17:00"], wed: ["09:00-17:00"], thu: ["09:00-17:00"], fri: ["09:00-17:00"]}
"""


@cache
def edited(*changes: tuple[str, str]) -> Policy:
    """The shipped policy with these words in place of those, the first time they stand there."""
    text = POLICY_TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_policy(text, "policy.yaml")


def first_response(minutes: int) -> Policy:
    """The policy with another promise for complaints."""
    return edited(("first_response_minutes: 120", f"first_response_minutes: {minutes}"))


def complaint(decided_by: Policy = BEFORE, type_: MentionType = "customer_complaint") -> TimerStart:
    """Posted and received at noon, negative."""
    found = route(classified(mention(), type_), decided_by).timer
    assert found is not None
    return found


def asked(clock: Clock, now: Policy, at: float) -> list[TimerSupersede]:
    """What `tenfour sla recompute` finds in the clock's state, at a minute."""
    return list(_asked(clock, now, at))


def _asked(clock: Clock, now: Policy, at: float) -> Iterator[TimerSupersede]:
    for key, state in clock._states.items():
        if key != TICK_KEY and kind_of(state) == Kind.CASE:
            yield from recomputed(key.decode(), decode_case(state), now, minute(at), "new contract")


def after(now: Policy, at: float, *log: Entry, time: WorkingTime | None = None) -> tuple[Clock, list[SlaEvent]]:
    """A clock on which the log happened and the policy was then changed; and what the change made it tell."""
    clock = Clock(time)
    events(clock, log)
    return clock, events(clock, asked(clock, now, at))


def targets(told: list[SlaEvent], kind: str) -> list[str]:
    return [event.target for event in told if event.kind == kind]


def test_a_running_cycle_is_superseded_and_its_elapsed_time_carried_over() -> None:
    now = first_response(60)
    clock, told = after(now, 30, complaint(), tick(30))
    superseded, started, *_ = told
    assert (superseded.kind, superseded.at, superseded.elapsed_ms) == ("superseded", minute(30), 30 * 60_000)
    assert (superseded.policy, superseded.reason) == (BEFORE.version, "new contract")
    assert (started.kind, started.started_at, started.due_at) == ("started", minute(0), minute(60))
    assert (started.policy, started.type, started.team) == (now.version, "customer_complaint", "support")
    late = events(clock, [tick(61)])
    assert [(event.kind, event.at, event.elapsed_ms) for event in late] == [("breached", minute(60), 60 * 60_000)]


def test_every_running_target_of_a_mention_changes_in_one_record() -> None:
    (change,) = asked(after(BEFORE, 0, complaint(), tick(1))[0], first_response(60), 1)
    assert [(target.target, target.minutes) for target in change.targets] == [
        ("first_response", 60),
        ("resolution", 4320),
    ]


def test_a_longer_promise_is_due_later_and_warns_at_its_own_level() -> None:
    clock, _ = after(first_response(240), 100, complaint(), tick(100))
    told = events(clock, [tick(179), tick(181), tick(241)])
    assert [(event.kind, event.at) for event in told] == [("at_risk", minute(180)), ("breached", minute(240))]


def test_a_promise_that_is_used_up_is_due_when_it_is_changed() -> None:
    clock, _ = after(first_response(30), 60, complaint(), tick(60))
    (breached,) = events(clock, [tick(61)])
    assert (breached.kind, breached.due_at, breached.elapsed_ms) == ("breached", minute(60), 60 * 60_000)


def test_the_same_policy_changes_nothing() -> None:
    assert asked(after(BEFORE, 0, complaint(), tick(1))[0], BEFORE, 1) == []


def test_asked_again_once_the_clock_has_heard_of_it_nothing_is_left_to_change() -> None:
    now = first_response(60)
    assert asked(after(now, 30, complaint(), tick(30))[0], now, 31) == []


def test_asked_again_before_the_clock_has_heard_of_it_it_is_done_once() -> None:
    now = first_response(60)
    clock = after(BEFORE, 0, complaint(), tick(30))[0]
    twice = [*asked(clock, now, 30), *asked(clock, now, 31)]
    assert len({change.id for change in twice}) == 1
    assert targets(events(clock, twice), "superseded") == ["first_response", "resolution"]


def test_asked_again_after_an_answer_came_between_it_is_done_once() -> None:
    """The first was asked before the answer, the second after it; the clock hears of both behind the answer."""
    now = first_response(60)
    clock = after(BEFORE, 0, complaint(), tick(30))[0]
    first = asked(clock, now, 30)
    events(clock, [reply(CONVERSATION, at=31)])
    told = events(clock, [*first, *asked(clock, now, 31)])
    assert targets(told, "superseded") == ["resolution"]


def test_a_policy_that_comes_back_holds_again_and_every_event_has_its_own_id() -> None:
    clock = after(BEFORE, 0, complaint(), tick(1))[0]
    told = events(clock, [])
    for at, now in enumerate([first_response(60), BEFORE, first_response(60), BEFORE], start=2):
        told += events(clock, asked(clock, now, at))
    assert targets(told, "superseded") == ["first_response", "resolution"] * 4
    assert max(Counter(event.id for event in told).values()) == 1
    (breached,) = [event for event in events(clock, [tick(121)]) if event.kind == "breached"]
    assert (breached.due_at, breached.policy) == (minute(120), BEFORE.version)


def test_a_breached_or_answered_cycle_stays_as_it_is() -> None:
    shorter = edited(("resolution_minutes: 4320", "resolution_minutes: 1000"))
    for log in ([complaint(), tick(121)], [complaint(), reply(CONVERSATION, at=10), tick(121)]):
        assert targets(after(shorter, 121, *log)[1], "superseded") == ["resolution"]


def test_a_paused_resolution_keeps_its_pause_and_what_had_elapsed() -> None:
    """Ten minutes had passed at the answer; of the new 60, fifty are left when the customer writes again."""
    shorter = edited(("resolution_minutes: 4320", "resolution_minutes: 60"))
    again = start(CONVERSATION, at=1000, following=900, mention="m2")
    clock, told = after(shorter, 500, complaint(), reply(CONVERSATION, at=10), tick(500))
    assert [event.elapsed_ms for event in told if event.kind == "superseded"] == [10 * 60_000]
    (breached,) = [event for event in events(clock, [again, tick(1051)]) if event.kind == "breached"]
    assert (breached.target, breached.due_at, breached.elapsed_ms) == ("resolution", minute(1050), 60 * 60_000)


def test_a_paused_resolution_whose_new_promise_is_used_up_is_due_when_the_customer_writes_again() -> None:
    shorter = edited(("resolution_minutes: 4320", "resolution_minutes: 5"))
    again = start(CONVERSATION, at=1000, following=900, mention="m2")
    clock, _ = after(shorter, 500, complaint(), reply(CONVERSATION, at=10), tick(500))
    (breached,) = [event for event in events(clock, [again, tick(1001)]) if event.kind == "breached"]
    assert (breached.target, breached.due_at, breached.elapsed_ms) == ("resolution", minute(1000), 10 * 60_000)


def test_a_paused_resolution_is_still_met_by_its_last_answer() -> None:
    shorter = edited(("resolution_minutes: 4320", "resolution_minutes: 60"))
    clock, _ = after(shorter, 500, complaint(), reply(CONVERSATION, at=10), tick(500))
    met = events(clock, [tick(9 * 1440)])[-1]
    assert (met.kind, met.target, met.at, met.elapsed_ms) == ("met", "resolution", minute(10), 10 * 60_000)


def test_a_team_that_gets_a_calendar_counts_in_it_from_then_on() -> None:
    """Noon in UTC is 14:00 in Berlin: of 300 minutes 60 have passed at 15:00, 120 pass until 17:00, 120 from 09:00."""
    before = first_response(300)
    now = edited(
        ("first_response_minutes: 120", "first_response_minutes: 300"),
        ("{name: Customer support}", "{name: Customer support, calendar: berlin}"),
        ("teams:\n", f"{BERLIN}teams:\n"),
    )
    _, told = after(now, 60, complaint(before), tick(60), time=now.time)
    started = next(event for event in told if event.kind == "started" and event.target == "first_response")
    assert started.due_at == minute(21 * 60)
    assert started.calendar in now.calendar_versions


def test_the_targets_within_the_desk_stay_as_they_are() -> None:
    review = start(CONVERSATION, at=1, due=500, mention="mention-1", target="review")
    clock, told = after(first_response(60), 30, complaint(), review, tick(30))
    assert targets(told, "superseded") == ["first_response", "resolution"]
    assert targets(events(clock, [stop("review", 40, CONVERSATION, "mention-1")]), "met") == ["review"]


def test_a_target_that_the_policy_no_longer_has_stays_as_it_is() -> None:
    without = edited(("    resolution_minutes: 4320\n", ""))
    assert targets(after(without, 30, complaint(), tick(30))[1], "superseded") == ["first_response"]


def test_a_team_that_is_gone_leaves_its_cycles_as_they_are() -> None:
    clock = Clock()
    events(clock, [complaint().model_copy(update={"team": "disbanded"}), tick(30)])
    assert asked(clock, first_response(60), 30) == []


@pytest.mark.parametrize("minutes", [30, 45])
def test_a_promise_for_pressing_mentions_still_holds_for_them(minutes: int) -> None:
    """A question is of priority 2; a negative one of 1, for which the policy promises more."""
    rule = "targets: [{{priority: 1, first_response_minutes: {}}}]\nteams:\n"
    before, now = (edited(("teams:\n", rule.format(promised))) for promised in (30, minutes))
    begun = complaint(before, "product_question")
    assert begun.due_at == minute(30)
    _, told = after(edited(("teams:\n", rule.format(minutes)), ("small claims", "small claim")), 10, begun, tick(10))
    assert next(event.due_at for event in told if event.kind == "started") == minute(minutes)
    assert before.version == now.version if minutes == 30 else before.version != now.version


def test_what_another_record_has_changed_before_is_changed_by_its_own_type_and_team() -> None:
    """The desk made the first response one of sales and left the resolution to support."""
    relabelled = supersede(10, 240, CONVERSATION, "mention-1")
    only = [target for target in relabelled.targets if target.target == "first_response"]
    clock = Clock()
    events(clock, [complaint(), tick(10), relabelled.model_copy(update={"targets": tuple(only)})])
    changes = asked(clock, first_response(60), 20)
    assert sorted((change.type, change.team, change.targets[0].target) for change in changes) == [
        ("customer_complaint", "support", "resolution"),
        ("sales_inquiry", "sales", "first_response"),
    ]
    assert len({change.id for change in changes}) == 2


def test_each_conversation_has_its_own_record() -> None:
    clock = Clock()
    other = complaint().model_copy(update={"conversation": "Delta:x:2", "mention": "m2", "id": derive_id("t", "m2")})
    events(clock, [complaint(), other, tick(30)])
    assert [change.conversation for change in asked(clock, first_response(60), 30)] == [CONVERSATION, "Delta:x:2"]


minutes_promised = st.sampled_from([1, 30, 60, 120, 240, 400])


@given(minutes_promised, minutes_promised, st.integers(0, 400))
def test_a_recomputed_cycle_is_due_as_if_the_policy_had_always_held_or_at_once(before: int, now: int, at: int) -> None:
    clock = Clock()
    events(clock, [complaint(first_response(before)), tick(at)])
    told = events(clock, asked(clock, first_response(now), at))
    started = [event for event in told if event.kind == "started" and event.target == "first_response"]
    expected = [minute(max(now, at))] if before >= at and before != now else []
    assert [event.due_at for event in started] == expected


@settings(max_examples=200)
@given(
    st.lists(st.one_of(facts, st.builds(tick, st.integers(0, 90))), max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from([30, 60, 240]), st.booleans()), max_size=4),
)
def test_whenever_the_policy_changes_each_cycle_has_one_start_and_one_verdict(
    log: list[Entry], changes: list[tuple[int, int, bool]]
) -> None:
    """Whatever the log, whatever the policies in between, asked once or twice."""
    clock, told = new_clock(), list[SlaEvent]()
    for position, record in enumerate(log):
        told += clock.fold(record)
        for at, minutes, twice in changes:
            if at == position:
                found = asked(clock, first_response(minutes), 45)
                told += events(clock, [*found, *(found if twice else [])])
    told += events(clock, [tick(30 * 1440), tick(60 * 1440)])
    assert max(Counter(event.id for event in told).values(), default=1) == 1
    verdicts = Counter(event.cycle for event in told if event.kind in VERDICTS)
    assert verdicts == Counter(event.cycle for event in told if event.kind == "started")
    assert all(count == 1 for count in verdicts.values())
