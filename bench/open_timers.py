"""One worker of the deadlines stage with many timers open, on a broker of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.deadlines_worker import DeadlinesWorker, deadlines_worker
from bench.processes import cpu_s
from bench.scratch_broker import Say, own_broker
from bench.timers import target_s, timer, write_timers
from bench.watching import Moment, Watch, watch
from schemas.records import TimerStart
from streams.settings import Settings
from streams.topics import SLA_EVENTS, SLA_TIMER, apply_topics

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
    """From the first commit that was seen to the last."""

    per_second: float
    cpu_us: float
    """Processor time of the worker for a timer, in microseconds."""


@asynccontextmanager
async def deadlines_alone(say: Say) -> AsyncIterator[OpenTimers]:
    """Gives it with no timer open and the worker not started."""
    partitions = Settings().partitions
    with own_broker(say) as bootstrap, deadlines_worker(bootstrap, partitions) as worker:
        await apply_topics(bootstrap, partitions=partitions, replication=1)
        async with watch(bootstrap, SLA_TIMER.name, SLA_EVENTS.name, partitions) as watched:
            yield OpenTimers(bootstrap, partitions, worker, watched)


async def open_timers(at: OpenTimers, number: int, say: Say) -> Opening:
    """Writes so many timers to `sla-timer`, starts the worker, and returns when it has committed them all."""
    say(f"writing {number:,} timers")
    await write_timers(at.bootstrap, at.partitions, _timers(number, time.time()))
    at.worker.start()
    first = await at.until_committed(1, START_S)
    cpu = cpu_s(at.worker.process)
    last = await at.until_committed(number, START_S + number / SLOWEST)
    opened, seconds = last.records - first.records, last.seconds - first.seconds
    found = Opening(opened / seconds, (cpu_s(at.worker.process) - cpu) / opened * 1e6)
    say(f"opened {found.per_second:,.0f} timers/s")
    return found


def _timers(number: int, now: float) -> Iterator[TimerStart]:
    return (timer(OPEN, each, now + target_s() - each % SPREAD_S) for each in range(number))
