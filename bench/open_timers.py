"""One worker of the deadlines stage with many timers open, on a broker of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import nan
from typing import Final, NamedTuple

from bench.deadlines_worker import DeadlinesWorker, deadlines_worker
from bench.processes import cpu_s
from bench.scratch_broker import Say, own_broker
from bench.timers import target_s, timer, write_timers
from bench.watching import Moment, Watch, watch
from schemas.records import TimerStart
from streams.settings import Settings
from streams.topics import SLA_EVENTS, SLA_TIMER, apply_topics

FULL: Final = 1_000_000
QUICK: Final = 20_000
GROUP: Final = "tenfour-deadlines"
OPEN: Final = "open"
SPREAD_S: Final = 3600
"""Open timers were started evenly over the last hour: none is at risk or due while anything is measured."""
START_S: Final = 60.0
SLOWEST: Final = 2_000
"""Timers opened a second: slower is stuck."""


@dataclass(frozen=True)
class OpenTimers:
    """`watched` counts what the worker has committed of `sla-timer`."""

    bootstrap: str
    partitions: int
    worker: DeadlinesWorker
    watched: Watch

    async def until_committed(self, records: int, timeout_s: float) -> Moment:
        return await self.watched.until_committed(GROUP, records, timeout_s, lambda: self.worker.alive)


@dataclass(frozen=True)
class Opening:
    """From the first commit that was seen to the last. CPU: processor time of the worker, in microseconds a timer."""

    timers: int
    per_second: float
    cpu_us: float
    first_tenth_cpu_us: float
    last_tenth_cpu_us: float


class _Mark(NamedTuple):
    moment: Moment
    cpu_s: float


@asynccontextmanager
async def deadlines_alone(say: Say) -> AsyncIterator[OpenTimers]:
    """Gives it with no timer open and the worker not started."""
    partitions = Settings().partitions
    with own_broker(say) as bootstrap, deadlines_worker(bootstrap, partitions) as worker:
        await apply_topics(bootstrap, partitions=partitions, replication=1)
        async with watch(bootstrap, SLA_TIMER.name, SLA_EVENTS.name, partitions) as watched:
            yield OpenTimers(bootstrap, partitions, worker, watched)


def size_of(quick: bool) -> int:
    """Timers open before anything else is measured."""
    return QUICK if quick else FULL


def described(number: int, partitions: int) -> str:
    return (
        f"{number:,} open timers on {partitions} partitions in one worker of the deadlines stage, which runs alone; "
        "timers of product questions under the shipped policy, as route writes them."
    )


async def open_timers(at: OpenTimers, number: int, say: Say) -> Opening:
    """Writes so many timers to `sla-timer`, starts the worker, and returns when it has committed them all."""
    say(f"writing {number:,} timers")
    await write_timers(at.bootstrap, at.partitions, _timers(number, time.time()))
    at.worker.start()
    timeout_s = START_S + number / SLOWEST
    marks = [await _mark(at, records, timeout_s) for records in (1, number // 10, number * 9 // 10, number)]
    first, tenth, ninth, last = marks
    seconds = last.moment.seconds - first.moment.seconds
    per_second = (last.moment.records - first.moment.records) / seconds
    say(f"opened {per_second:,.0f} timers/s")
    return Opening(number, per_second, _cpu_us(first, last), _cpu_us(first, tenth), _cpu_us(ninth, last))


async def _mark(at: OpenTimers, records: int, timeout_s: float) -> _Mark:
    moment = await at.until_committed(records, timeout_s)
    return _Mark(moment, cpu_s(at.worker.process))


def _cpu_us(start: _Mark, end: _Mark) -> float:
    """NaN where both are one: too few timers to tell."""
    records = end.moment.records - start.moment.records
    return (end.cpu_s - start.cpu_s) / records * 1e6 if records else nan


def _timers(number: int, now: float) -> Iterator[TimerStart]:
    return (timer(OPEN, each, now + target_s() - each % SPREAD_S) for each in range(number))
