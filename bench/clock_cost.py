"""`clock-cost`: what a message costs the clock with few timers open, and with many."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from statistics import median
from typing import Final, NamedTuple, TypeVar

from agents.track_deadlines import DeadlinesFold
from agents.watch_ticks import TicksSeen
from bench.report import Table
from bench.scratch_broker import Say
from bench.timers import response, target_s, timer
from domain.clock import Clock, Fact
from domain.partition_states import Change
from domain.working_time import WorkingTime
from schemas.codecs import encode
from schemas.records import Tick
from streams.record_batches import Outbox, RecordBatch
from streams.running import collect_garbage_seldom
from streams.topics import SLA_TIMER

T = TypeVar("T")

TICK_S: Final = 0.1
STAY_A_TICK: Final = 100
"""Timers that start and have all their time before them; as many open ones, at random, are answered."""
BREACH_A_TICK: Final = 100
"""Timers that start late, are at risk at the next tick, and breach after BREACH_S."""
BREACH_S: Final = 2.0
START: Final = 1_800_000_000.0
"""When the log begins, in seconds since 1970."""
SPREAD_S: Final = 3600
SEED: Final = 3


@dataclass(frozen=True)
class Size:
    """`few` and `many` timers open, ticks of log in a round."""

    few: int
    many: int
    ticks: int
    rounds: int


FULL: Final = Size(10_000, 1_000_000, 200, 5)
QUICK: Final = Size(1_000, 20_000, 30, 2)


class Cost(NamedTuple):
    """CPU µs a message."""

    rule: float
    stage: float


@dataclass
class _Received:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    topic: str = SLA_TIMER.name
    partition: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


Log = list[list[Fact | Tick]]
"""What stands on a partition between two ticks, each time with the second of them."""


def bench_clock_cost(quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    say(f"opening {size.few:,} and {size.many:,} timers")
    opened = {number: (_opened(number), _log(number, size.ticks)) for number in (size.few, size.many)}
    collect_garbage_seldom()
    costs: dict[int, list[Cost]] = {number: [] for number in opened}
    for place in range(size.rounds):
        say(f"round {place + 1} of {size.rounds}")
        for number, (state, log) in opened.items():
            costs[number].append(_cost(state, log))
    return Table(
        "clock-cost",
        "python -m bench clock-cost",
        [
            f"{size.ticks} ticks {TICK_S * 1000:.0f} ms apart, with {STAY_A_TICK + BREACH_A_TICK} starts and "
            f"{STAY_A_TICK} answers to open timers, at random, before each; {BREACH_A_TICK} come to be at risk and as "
            "many breach at each. One partition, without Kafka.",
            f"CPU µs a message, ticks among them; median of {size.rounds} rounds in turn.",
            "Aimed at: 1.3 times the cost with few.",
        ],
        ("", f"{size.few:,} open", f"{size.many:,} open", "times"),
        [
            _row("the rule alone", *([cost.rule for cost in found] for found in costs.values())),
            _row("with decoding and encoding", *([cost.stage for cost in found] for found in costs.values())),
        ],
    )


def _row(what: str, few: Sequence[float], many: Sequence[float]) -> list[str]:
    return [what, f"{median(few):.1f}", f"{median(many):.1f}", f"{median(many) / median(few):.2f}"]


def _opened(number: int) -> list[Change]:
    """The state with so many open timers, started evenly over an hour, and the tick before the log."""
    clock = Clock()
    for each in range(number):
        clock.fold(timer("open", each, START + target_s() - each % SPREAD_S))
    clock.fold(_tick(START))
    return clock.take_changes()


def _log(open_timers: int, ticks: int) -> Log:
    rng = Random(SEED)
    open_now = [("open", each) for each in range(open_timers)]
    return [list(_facts(rng, open_now, place, START + place * TICK_S)) for place in range(ticks)]


def _facts(rng: Random, open_now: list[tuple[str, int]], place: int, now: float) -> Iterator[Fact | Tick]:
    for each in range(STAY_A_TICK):
        yield timer("stay", place * STAY_A_TICK + each, now + target_s())
        yield timer("late", place * BREACH_A_TICK + each, now + BREACH_S)
        open_now.append(("stay", place * STAY_A_TICK + each))
        yield response(*_taken_out(rng, open_now), now)
    yield _tick(now + TICK_S)


def _taken_out(rng: Random, of: list[tuple[str, int]]) -> tuple[str, int]:
    place = rng.randrange(len(of))
    of[place], of[-1] = of[-1], of[place]
    return of.pop()


def _tick(moment: float) -> Tick:
    return Tick(at=datetime.fromtimestamp(moment, UTC))


def _cost(state: list[Change], log: Log) -> Cost:
    messages = sum(map(len, log))
    clock = Clock()
    _restore(clock, state)
    rule = _cpu_s(clock.fold, [fact for facts in log for fact in facts])
    fold = DeadlinesFold(0, WorkingTime(lambda _: None), TicksSeen())
    _restore(fold, state)
    stage = _cpu_s(lambda batch: fold.fold(batch, Outbox()), [_batch(facts) for facts in log])
    fold.given_up()
    return Cost(rule / messages * 1e6, stage / messages * 1e6)


def _restore(into: Clock | DeadlinesFold, state: list[Change]) -> None:
    for key, value in state:
        into.restore(key, value)
    into.restored()


def _batch(facts: Sequence[Fact | Tick]) -> RecordBatch:
    return RecordBatch(SLA_TIMER.name, 0, [_received(place, fact) for place, fact in enumerate(facts)])


def _received(place: int, fact: Fact | Tick) -> _Received:
    key = None if fact.record == "tick" else fact.conversation.encode()
    return _Received(place, key, encode(fact), int(START * 1000))


def _cpu_s(work: Callable[[T], object], on: Sequence[T]) -> float:
    start = time.process_time()
    for each in on:
        work(each)
    return time.process_time() - start
