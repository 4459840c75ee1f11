"""Folding the log again: what is a difference, and what can't be compared."""

from collections.abc import Sequence

from domain.clock import Clock
from domain.replay_check import Comparison, Refold
from domain.working_time import WorkingTime
from schemas.records import SlaEvent
from tests.domain.timer_log import Entry, State, compacted, events, minute, reply, start, tick

LOG: list[Entry] = [tick(0), start("a"), start("b"), reply("b", at=5), tick(121), tick(122)]


def compared(
    log: Sequence[Entry], emitted: Sequence[SlaEvent], *, begin: int = 0, states: State | None = None
) -> Comparison:
    refold = Refold(WorkingTime(dict[str, None]().get), whole=begin == 0)
    if states is not None:
        refold.restore({key: value for key, value in states.items() if value is not None})
    for offset, record in enumerate(log[begin:], start=begin):
        refold.fold(offset, record)
    return refold.compare(emitted, len(log))


def test_the_same_log_tells_the_same() -> None:
    told = events(Clock(), LOG)
    assert compared(LOG, told) == Comparison(equal=len(told))


def test_an_event_that_was_told_otherwise_is_a_difference() -> None:
    told = events(Clock(), LOG)
    wrong = told[-1].model_copy(update={"at": minute(119)})
    (difference,) = compared(LOG, [*told[:-1], wrong]).differences
    assert "breached of first_response" in difference
    assert "told otherwise: at 2020-04-01T13:59:00+00:00, again 2020-04-01T14:00:00+00:00" in difference


def test_an_event_that_was_never_told_told_twice_or_never_due_is_a_difference() -> None:
    told = events(Clock(), LOG)
    assert "was never told" in compared(LOG, told[:-1]).differences[0]
    assert "was told 2 times" in compared(LOG, [*told, told[-1]]).differences[0]
    assert "the log does not say so" in compared(LOG[:-2], told).differences[0]


def test_what_the_stage_may_not_have_read_yet_is_no_difference() -> None:
    refold = Refold(WorkingTime(dict[str, None]().get), whole=True)
    for offset, record in enumerate(LOG):
        refold.fold(offset, record)
    told = events(Clock(), LOG[:-2])
    assert refold.compare(told, len(LOG) - 2) == Comparison(equal=len(told))


def test_cycles_from_before_the_log_are_not_comparable_and_never_equal() -> None:
    found = compared(LOG, events(Clock(), LOG), begin=4)
    assert (found.equal, found.differences, found.not_comparable) == (0, [], 2)


def test_a_state_that_has_not_changed_since_makes_its_cycle_comparable() -> None:
    clock, states = Clock(), State()
    events(clock, LOG[:4])
    compacted(states, clock)
    del states[b"b"]
    found = compared(LOG, events(Clock(), LOG), begin=4, states=states)
    assert (found.equal, found.differences, found.not_comparable) == (1, [], 1)  # the breach of a; all of b


def test_a_verdict_that_differs_from_what_the_stored_state_leads_to_is_a_difference() -> None:
    clock, states = Clock(), State()
    events(clock, LOG[:4])
    compacted(states, clock)
    told = events(Clock(), LOG)
    wrong = [
        event.model_copy(update={"cause": "owner_silent"}) if event.kind == "breached" else event for event in told
    ]
    (difference,) = compared(LOG, wrong, begin=4, states=states).differences
    assert "cause owner_silent, again unassigned" in difference
