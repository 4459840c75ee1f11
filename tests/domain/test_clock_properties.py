"""What holds of the clock whatever stands in the log."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import Clock
from schemas.records import SlaEvent, TimerRespond, TimerStart
from tests.domain.timer_log import Entry, State, compacted, events, minute, reply, restored, start, tick

CONVERSATIONS = ["a", "b", "c"]
LATEST = 20
"""Minutes: few enough that things often happen at the same one, long before anything is forgotten."""

conversations = st.sampled_from(CONVERSATIONS)
minutes = st.integers(0, LATEST)
targets = st.integers(1, 10)
numbers = st.integers(1, 4).map(str)

starts = st.builds(start, conversations, minutes, targets, numbers)
replies = st.builds(reply, conversations, minutes, numbers)
facts = st.one_of(starts, replies)
logs = st.lists(st.one_of(facts, st.builds(tick, st.integers(0, LATEST + 30))), max_size=40)
"""In any order: late facts, ticks that go back, repeats."""

long_logs = st.lists(st.one_of(facts, st.builds(tick, st.integers(0, 3 * 8 * 24 * 60))), max_size=40)
"""Over weeks, so that things are forgotten."""

END = tick(10 * LATEST)


def occurred_at(fact: TimerStart | TimerRespond) -> float:
    at = fact.started_at if isinstance(fact, TimerStart) else fact.responded_at
    return (at - minute(0)).total_seconds() / 60


def punctual(happened: list[TimerStart | TimerRespond], ticks: set[int]) -> list[Entry]:
    """The log as the source writes it: a tick stands behind every fact up to its time."""
    moments: list[tuple[float, int, Entry]] = [(occurred_at(fact), 0, fact) for fact in happened]
    moments += [(at, 1, tick(at)) for at in ticks]
    return [record for _, _, record in sorted(moments, key=lambda moment: moment[:2])]


def verdicts(told: list[SlaEvent]) -> dict[str, tuple[str, str]]:
    """Conversation to (verdict, id)."""
    return {event.conversation: (event.kind, event.id) for event in told if event.kind in ("met", "breached")}


@given(logs)
def test_a_breach_is_never_told_before_time_or_a_late_reply_proves_it(log: list[Entry]) -> None:
    clock = Clock()
    for position, record in enumerate(log):
        for event in clock.fold(record):
            if event.kind == "breached":
                passed = event.decided_at is not None and event.decided_at > event.due_at
                proofs = [
                    past.responded_at > event.due_at
                    for past in log[: position + 1]
                    if isinstance(past, TimerRespond) and past.conversation == event.conversation
                ]
                assert passed or any(proofs)


@given(logs)
def test_at_risk_is_never_told_early_nor_after_a_verdict(log: list[Entry]) -> None:
    decided: set[str] = set()
    for event in events(Clock(), log):
        if event.kind == "at_risk":
            assert event.decided_at is not None
            assert event.at < event.decided_at <= event.due_at
            assert event.conversation not in decided
        if event.kind in ("met", "breached"):
            decided.add(event.conversation)


@given(logs)
def test_each_cycle_starts_once_and_has_exactly_one_verdict_in_the_end(log: list[Entry]) -> None:
    told = events(Clock(), [*log, END])
    kinds = Counter((event.cycle, event.kind) for event in told)
    assert all(count == 1 for count in kinds.values())
    assert len({event.id for event in told}) == len(told)
    started = {record.conversation for record in log if isinstance(record, TimerStart)}
    assert set(verdicts(told)) == started == {event.conversation for event in told if event.kind == "started"}


@given(st.lists(facts, max_size=30), st.sets(minutes))
def test_a_target_is_met_if_and_only_if_a_reply_lies_between_start_and_due(
    happened: list[TimerStart | TimerRespond], ticks: set[int]
) -> None:
    log = punctual(happened, ticks)
    found = {conversation: kind for conversation, (kind, _) in verdicts(events(Clock(), [*log, END])).items()}
    expected: dict[str, str] = {}
    for begun in (record for record in log if isinstance(record, TimerStart)):
        answers = [
            record
            for record in log
            if isinstance(record, TimerRespond)
            and record.conversation == begun.conversation
            and begun.started_at <= record.responded_at <= begun.due_at
        ]
        expected.setdefault(begun.conversation, "met" if answers else "breached")
    assert found == expected


@given(st.lists(facts, max_size=30), st.sets(minutes), st.sets(minutes))
def test_how_often_time_ticks_makes_no_difference_to_a_verdict(
    happened: list[TimerStart | TimerRespond], ticks: set[int], others: set[int]
) -> None:
    once = verdicts(events(Clock(), [*punctual(happened, ticks), END]))
    assert verdicts(events(Clock(), [*punctual(happened, others), END])) == once


@given(long_logs)
def test_folding_the_log_again_tells_the_same(log: list[Entry]) -> None:
    first, second = Clock(), Clock()
    assert events(first, log) == events(second, log)
    assert first.digest() == second.digest()
    assert first.take_changes(with_tick=True) == second.take_changes(with_tick=True)


@settings(max_examples=200)
@given(long_logs, st.sets(st.integers(0, 40)), st.randoms(use_true_random=False))
def test_a_crash_after_any_batch_makes_no_difference(log: list[Entry], cuts: set[int], chance: Random) -> None:
    whole = Clock()
    undisturbed = events(whole, log)
    state: State = {}
    told: list[SlaEvent] = []
    clock = Clock()
    for begin, end in pairwise([0, *sorted(cut for cut in cuts if cut <= len(log)), len(log)]):
        told += events(clock, log[begin:end])
        compacted(state, clock)
        kept = list(state.items())
        chance.shuffle(kept)
        clock = restored(dict(kept))
    assert told == undisturbed
    assert (clock.digest(), clock.open_cycles) == (whole.digest(), whole.open_cycles)


@given(long_logs)
def test_ticks_alone_may_be_read_again_after_a_crash(log: list[Entry]) -> None:
    """A batch that changed no state is not committed, so its ticks come again."""
    whole, clock = Clock(), Clock()
    undisturbed = events(whole, log)
    state: State = {}
    told: list[SlaEvent] = []
    again: list[Entry] = []
    for record in log:
        events(clock := restored(state), again)
        told += clock.fold(record)
        changes = clock.take_changes()
        state.update(changes)
        again = [] if changes else [*again, record]
    assert told == undisturbed


@given(st.lists(facts, max_size=30), st.integers(0, 90), st.randoms(use_true_random=False))
def test_the_order_of_independent_conversations_makes_no_difference(
    happened: list[TimerStart | TimerRespond], now: int, chance: Random
) -> None:
    queues = {name: [fact for fact in happened if fact.conversation == name] for name in CONVERSATIONS}
    order = [fact.conversation for fact in happened]
    chance.shuffle(order)
    shuffled = [queues[name].pop(0) for name in order]
    first, second = Clock(), Clock()
    told, told_shuffled = events(first, [*happened, tick(now)]), events(second, [*shuffled, tick(now)])
    assert sorted(told, key=lambda event: event.id) == sorted(told_shuffled, key=lambda event: event.id)
    assert first.digest() == second.digest()


@given(logs)
def test_every_event_is_a_valid_record(log: list[Entry]) -> None:
    for event in events(Clock(), [*log, END]):
        assert SlaEvent.model_validate_json(event.model_dump_json()) == event
        assert event.model_fields_set == set(SlaEvent.model_fields)


@given(logs, st.integers(0, LATEST))
def test_a_tick_that_is_not_later_than_the_last_leaves_no_trace(log: list[Entry], back: int) -> None:
    clock = Clock()
    events(clock, [*log, END])
    before = clock.digest()
    assert clock.fold(tick(10 * LATEST - back)) == []
    assert clock.digest() == before
