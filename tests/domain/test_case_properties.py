"""What holds of cases whatever the log says: messages, replies, words from the desk, ticks, in any order, repeated."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendars import Calendar, parse_calendar
from domain.clock import Clock, Fact
from domain.working_time import WorkingTime
from schemas.records import SlaEvent, SlaTarget, Tick, TimerStart
from tests.domain.timer_log import (
    Entry,
    State,
    StoppedTarget,
    cancel,
    compacted,
    events,
    owner,
    reply,
    start,
    stop,
    supersede,
    tick,
)

DAY = 24 * 60
VERDICTS = ("met", "breached", "cancelled", "superseded")
OFFICE: Calendar = parse_calendar(
    {
        "timezone": "Europe/Berlin",
        "open": {day: ["09:00-12:00", "13:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": {"extra": ["2020-04-10", "2020-04-13"]},
    }
)

conversations = st.sampled_from(["a", "b", "c"])
minutes = st.integers(0, 60)
mentions = st.integers(1, 5).map(lambda number: f"m{number}")
desk_targets: st.SearchStrategy[StoppedTarget] = st.sampled_from(["review", "approval", "escalation_ack"])
stopped: st.SearchStrategy[StoppedTarget] = st.one_of(st.just("resolution"), desk_targets)


@st.composite
def messages(draw: st.DrawFn) -> TimerStart:
    target: SlaTarget = draw(st.one_of(st.just("first_response"), desk_targets))
    return start(
        draw(conversations),
        draw(minutes),
        draw(st.integers(1, 30)),
        draw(mentions),
        following=draw(st.none() | st.integers(1, 30)),
        resolution=draw(st.none() | st.integers(1, 60)),
        target=target,
        levels=draw(st.sampled_from([(0.5,), (0.25, 0.5, 0.9)])),
        received=draw(st.none() | minutes),
        calendar=draw(st.sampled_from(["24x7", "office"])),
    )


facts: st.SearchStrategy[Fact] = st.one_of(
    messages(),
    messages(),
    st.builds(
        reply, conversations, minutes, st.integers(1, 4).map(str), automatic=st.sampled_from([False, False, True])
    ),
    st.builds(stop, stopped, minutes, conversations, mentions),
    st.builds(cancel, minutes, conversations, mentions),
    st.builds(supersede, minutes, st.integers(1, 60), conversations, mentions, st.sampled_from(["24x7", "office"])),
    st.builds(owner, minutes, st.none() | st.just("ann"), conversations, on_shift=st.booleans()),
)
logs = st.lists(st.one_of(facts, facts, st.builds(tick, st.integers(0, 120))), max_size=40)
long_logs = st.lists(st.one_of(facts, facts, st.builds(tick, st.integers(0, 20 * DAY))), max_size=40)
posts = st.one_of(
    messages().filter(lambda message: message.target == "first_response"),
    st.builds(reply, conversations, minutes, st.integers(1, 4).map(str)),
)
ENDS = [tick(5 * DAY), tick(60 * DAY)]
"""Past every due time, and past all that is remembered."""


def new_clock() -> Clock:
    return Clock(WorkingTime({"office": OFFICE}.get))


def restored(state: State) -> Clock:
    clock = new_clock()
    for key, value in state.items():
        clock.restore(key, value)
    clock.restored()
    return clock


@settings(max_examples=300)
@given(logs)
def test_each_cycle_starts_once_has_exactly_one_verdict_and_at_most_one_correction(log: list[Entry]) -> None:
    told = events(new_clock(), [*log, *ENDS])
    assert max(Counter(event.id for event in told).values(), default=1) == 1
    cycles = {event.cycle: Counter[str]() for event in told}
    for event in told:
        kind = "verdict" if event.kind in VERDICTS else event.kind
        cycles[event.cycle][kind] += 1
    for found in cycles.values():
        assert (found["started"], found["verdict"]) == (1, 1)
        assert found["breach_corrected"] <= 1


@settings(max_examples=300)
@given(logs)
def test_a_correction_follows_its_breach_and_names_it(log: list[Entry]) -> None:
    breaches: dict[str, SlaEvent] = {}
    for event in events(new_clock(), [*log, *ENDS]):
        if event.kind == "breached":
            breaches[event.id] = event
        if event.kind == "breach_corrected":
            assert event.breach in breaches
            breach = breaches[event.breach]
            assert (event.cycle, event.due_at) == (breach.cycle, breach.due_at)
            assert event.at <= event.due_at


@settings(max_examples=300)
@given(logs)
def test_nothing_is_told_early_and_no_answer_in_time_is_late(log: list[Entry]) -> None:
    for event in events(new_clock(), [*log, *ENDS]):
        if event.kind == "at_risk":
            assert event.decided_at is not None
            assert event.started_at <= event.at < event.decided_at
        if event.kind == "met" and event.reply is not None:
            assert event.started_at <= event.at <= event.due_at
        if event.kind in ("at_risk", "breached"):
            assert event.cause is not None


@settings(max_examples=300)
@given(logs)
def test_a_breach_is_told_when_time_or_a_later_fact_has_passed_its_due_time(log: list[Entry]) -> None:
    clock, latest = new_clock(), 0.0
    for record in [*log, *ENDS]:
        latest = max(latest, record.at.timestamp() if isinstance(record, Tick) else occurred_at(record))
        for event in clock.fold(record):
            assert event.kind != "breached" or event.due_at.timestamp() < latest


@settings(max_examples=200)
@given(long_logs)
def test_a_record_that_comes_twice_in_a_row_changes_nothing(log: list[Entry]) -> None:
    once, twice = new_clock(), new_clock()
    assert events(once, log) == events(twice, [record for record in log for _ in range(2)])
    assert once.digest() == twice.digest()


@settings(max_examples=300)
@given(st.lists(posts, max_size=25), st.integers(0, 25), st.integers(0, 25), st.integers(0, 120))
def test_a_batch_that_comes_again_after_a_crash_changes_nothing(
    log: list[Entry], begin: int, end: int, now: int
) -> None:
    """Messages and replies: what route writes at least once."""
    once, twice = new_clock(), new_clock()
    told = events(once, [tick(now), *log, *ENDS])
    assert told == events(twice, [tick(now), *log[:end], *log[begin:end], *log[end:], *ENDS])


@settings(max_examples=100)
@given(st.integers(1, 60), st.sets(st.integers(0, 200)))
def test_how_often_time_ticks_moves_only_when_a_breach_is_told(due: int, ticks: set[int]) -> None:
    """By the first tick behind the due time: as late as ticks are rare, and no later."""
    told = events(new_clock(), [start(due=due), *map(tick, sorted(ticks)), tick(500)])
    (breached,) = [event for event in told if event.kind == "breached"]
    assert breached.due_at == tick(due).at
    assert breached.decided_at == tick(min(at for at in [*ticks, 500] if at > due)).at


@settings(max_examples=100)
@given(st.integers(1, 3000), st.integers(0, 2000), st.integers(1, 10 * DAY), st.sampled_from(["24x7", "office"]))
def test_a_pause_never_makes_a_resolution_due_earlier(resolution: int, paused: int, length: int, calendar: str) -> None:
    def due(*between: Entry) -> datetime:
        begun = start(due=20_000, resolution=resolution, calendar=calendar)
        told = events(new_clock(), [begun, *between, tick(60 * DAY)])
        found = [event for event in told if (event.target, event.kind) == ("resolution", "breached")]
        return found[0].due_at

    again = start(at=paused + length, following=20_000, mention="m2", calendar=calendar)
    assert due() <= due(reply(at=paused), again)


@settings(max_examples=200)
@given(long_logs)
def test_folding_the_log_again_tells_the_same(log: list[Entry]) -> None:
    first, second = new_clock(), new_clock()
    assert events(first, log) == events(second, log)
    assert first.digest() == second.digest()


@settings(max_examples=200)
@given(long_logs, st.sets(st.integers(0, 40)))
def test_a_crash_after_any_batch_makes_no_difference(log: list[Entry], cuts: set[int]) -> None:
    whole = new_clock()
    undisturbed = events(whole, log)
    state: State = {}
    told: list[SlaEvent] = []
    clock = new_clock()
    for begin, end in pairwise([0, *sorted(cut for cut in cuts if cut <= len(log)), len(log)]):
        told += events(clock, log[begin:end])
        compacted(state, clock)
        clock = restored({key: value for key, value in state.items() if value is not None})
    assert told == undisturbed
    assert (clock.digest(), clock.open_cycles) == (whole.digest(), whole.open_cycles)


@settings(max_examples=200)
@given(st.lists(facts, max_size=30), st.integers(0, 120), st.randoms(use_true_random=False))
def test_the_order_of_independent_conversations_makes_no_difference(
    happened: list[Fact], now: int, chance: Random
) -> None:
    queues = {name: [fact for fact in happened if fact.conversation == name] for name in ("a", "b", "c")}
    order = [fact.conversation for fact in happened]
    chance.shuffle(order)
    first, second = new_clock(), new_clock()
    told = events(first, [*happened, tick(now)])
    shuffled = events(second, [*[queues[name].pop(0) for name in order], tick(now)])
    assert sorted(told, key=lambda event: event.id) == sorted(shuffled, key=lambda event: event.id)
    assert first.digest() == second.digest()


def occurred_at(fact: Fact) -> float:
    names = ("started_at", "responded_at", "stopped_at", "cancelled_at", "superseded_at", "since")
    at = next(getattr(fact, name) for name in names if hasattr(fact, name))
    return float(at.timestamp())


@settings(max_examples=300)
@given(st.lists(facts, max_size=25), st.sets(minutes), st.sets(minutes))
def test_how_often_time_ticks_moves_no_verdict_and_no_cause(
    happened: list[Fact], ticks: set[int], others: set[int]
) -> None:
    """With facts in the order of their time, as the source writes them."""

    def verdicts(at: set[int]) -> dict[str, tuple[object, ...]]:
        moments: list[tuple[float, int, Entry]] = [(occurred_at(fact), 0, fact) for fact in happened]
        moments += [(tick(minute).at.timestamp(), 1, tick(minute)) for minute in at]
        log = [record for _, _, record in sorted(moments, key=lambda moment: moment[:2])]
        told = events(new_clock(), [*log, *ENDS])
        return {
            event.id: (event.kind, event.at, event.due_at, event.cause, event.elapsed_ms)
            for event in told
            if event.kind in (*VERDICTS, "breach_corrected")
        }

    assert verdicts(ticks) == verdicts(others)


@given(logs)
def test_every_event_is_a_valid_record(log: list[Entry]) -> None:
    for event in events(new_clock(), [*log, *ENDS]):
        assert SlaEvent.model_validate_json(event.model_dump_json()) == event


@given(logs)
def test_open_cycles_are_those_without_a_verdict(log: list[Entry]) -> None:
    clock = new_clock()
    told = events(clock, log)
    started = {event.cycle for event in told if event.kind == "started"}
    judged = {event.cycle for event in told if event.kind in VERDICTS}
    assert clock.open_cycles == len(started - judged)
