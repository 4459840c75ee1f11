"""`clock`, `clock-lateness`, `clock-recovery`: the deadlines stage alone, with many timers open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.beside import beside
from bench.breaches import Breaches, count_events
from bench.delays import COLUMNS, told
from bench.open_timers import Opening, OpenTimers, deadlines_alone, open_timers
from bench.processes import memory_mb, most_memory_mb
from bench.report import Table
from bench.scratch_broker import Say
from bench.timers import let_time_pass, let_timers_arrive, timer, write_timers
from streams.writing import new_producer

TICK_S: Final = 0.1
DUE_A_SECOND: Final = 1_000
ARRIVE_A_SECOND: Final = 2_000
DUE: Final = "due"
LEAD_S: Final = 10
OPEN_S: Final = 5_000
"""Timers that are to fall due, opened a second: there is that much time before the first does."""
VERDICT_S: Final = 120.0
SETTLE_S: Final = 5.0


@dataclass(frozen=True)
class Size:
    """Timers open before anything is measured, seconds in which others fall due, and kills meanwhile."""

    open_timers: int
    seconds: int
    kills: int

    @property
    def due(self) -> int:
        return DUE_A_SECOND * self.seconds


FULL: Final = Size(1_000_000, 60, 3)
QUICK: Final = Size(20_000, 5, 1)
KILLED_S: Final = 30
"""Seconds in which timers fall due, a kill."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from SIGKILL on."""

    runs: float
    loaded: float
    verdict: float
    memory_mb: float


def bench_clock(quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    opening, memory, partitions = asyncio.run(_measure_opening(size, say))
    return Table(
        "clock",
        "python -m bench clock",
        [
            _set_up(size, partitions),
            "Timers stand on `sla-timer` before the worker starts. Timed from the first commit to the last, of "
            "transactions that hold the state, the event `started` and the offset of each.",
            "Memory: resident, of the worker.",
        ],
        ("", "measured", "aimed at"),
        [
            ["timers opened a second", f"{opening.per_second:,.0f}", "20,000"],
            ["CPU µs a timer opened", f"{opening.cpu_us:.1f}", ""],
            *memory,
        ],
    )


async def _measure_opening(size: Size, say: Say) -> tuple[Opening, list[Sequence[str]], int]:
    async with deadlines_alone(say) as at:
        opening = await open_timers(at, size.open_timers, say)
        rows = _memory_rows("after opening", at)
        say("starting again")
        at.worker.stop()
        at.worker.start()
        await at.worker.until_loaded()
        return opening, [*rows, *_memory_rows("after loading", at)], at.partitions


def _memory_rows(when: str, at: OpenTimers) -> list[Sequence[str]]:
    most = most_memory_mb(at.worker.process)
    return [
        [f"memory MB {when}", f"{memory_mb(at.worker.process):,.0f}", "700"],
        [f"most memory MB {when}", "" if most is None else f"{most:,.0f}", ""],
    ]


def bench_clock_lateness(quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    breaches, partitions = asyncio.run(_measure_lateness(size, say))
    return Table(
        "clock-lateness",
        "python -m bench clock-lateness",
        [
            _set_up(size, partitions),
            f"For {size.seconds} s {DUE_A_SECOND:,} more fall due a second, and {ARRIVE_A_SECOND:,} new ones start; "
            f"ticks every {TICK_S * 1000:.0f} ms are written to `sla-timer`.",
            "Delay: from the due time to a consumer that reads committed records; a tick later than due is part of it. "
            f"{len(breaches.delays):,} breaches, {breaches.repeated} of them twice.",
            "Aimed at: p50 120 ms, p99 250 ms.",
        ],
        ("from the due time to", *COLUMNS),
        [["breach seen", *told([*breaches.delays.values()])]],
    )


async def _measure_lateness(size: Size, say: Say) -> tuple[Breaches, int]:
    async with deadlines_alone(say) as at:
        await open_timers(at, size.open_timers, say)
        async with _falling_due(at, size.seconds, say) as breaches:
            await breaches.until_seen(size.due)
        return breaches, at.partitions


def bench_clock_recovery(quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    recoveries, checked, partitions = asyncio.run(_measure_recovery(size, say))
    return Table(
        "clock-recovery",
        "python -m bench clock-recovery",
        [
            _set_up(size, partitions),
            f"While {DUE_A_SECOND:,} more fall due a second and {ARRIVE_A_SECOND:,} new ones start, SIGKILL ends the "
            "worker, which is started again at once; no static member: the group waits for the dead one's session.",
            "First verdict: the first breach that a consumer sees, which reads committed records, of a timer that fell "
            "due after the kill.",
            checked,
            "Aimed at: first verdict after 20 s.",
        ],
        ("kill", "process runs after s", "state loaded after s", "first verdict after s", "memory MB then"),
        [_recovery_row(number, found) for number, found in enumerate(recoveries, 1)],
    )


def _recovery_row(number: int, found: Recovery) -> list[str]:
    seconds = (f"{value:.1f}" for value in (found.runs, found.loaded, found.verdict))
    return [str(number), *seconds, f"{found.memory_mb:,.0f}"]


async def _measure_recovery(size: Size, say: Say) -> tuple[list[Recovery], str, int]:
    seconds = KILLED_S * size.kills
    async with deadlines_alone(say) as at:
        await open_timers(at, size.open_timers, say)
        async with _falling_due(at, seconds, say) as breaches:
            recoveries = [await _kill(at, breaches, say) for _ in range(size.kills)]
            await breaches.until_seen(DUE_A_SECOND * seconds)
        say("reading all events again")
        events, repeated = await count_events(at.bootstrap)
        checked = (
            f"In the end {len(breaches.delays):,} breaches of as many timers, {repeated} of {events:,} events twice."
        )
        return recoveries, checked, at.partitions


async def _kill(at: OpenTimers, breaches: Breaches, say: Say) -> Recovery:
    await breaches.first_due_after(time.time() + SETTLE_S, VERDICT_S)
    killed = time.time()
    at.worker.kill()
    at.worker.start()
    runs, loaded, verdict = await asyncio.gather(
        at.worker.until_runs(), at.worker.until_loaded(), breaches.first_due_after(killed, VERDICT_S)
    )
    say(f"verdict {verdict - killed:.1f} s after the kill")
    return Recovery(runs - killed, loaded - killed, verdict - killed, memory_mb(at.worker.process))


@asynccontextmanager
async def _falling_due(at: OpenTimers, seconds: int, say: Say) -> AsyncIterator[Breaches]:
    """Begins when the first timer is about to fall due: others arrive, and time passes. Gives what breaches are
    seen."""
    number = DUE_A_SECOND * seconds
    say(f"{number:,} fall due in {seconds} s")
    begin = time.time() + LEAD_S + number / OPEN_S
    due = (timer(DUE, each, begin + each / DUE_A_SECOND) for each in range(number))
    await write_timers(at.bootstrap, at.partitions, due)
    breaches, producer = Breaches(DUE), new_producer(at.bootstrap)
    await producer.start()
    try:
        async with beside(
            breaches.watch(at.bootstrap),
            let_time_pass(producer, at.partitions, TICK_S),
            let_timers_arrive(producer, at.partitions, "arrived", ARRIVE_A_SECOND),
        ):
            await asyncio.sleep(begin - time.time())
            yield breaches
    finally:
        await producer.stop()


def _set_up(size: Size, partitions: int) -> str:
    return (
        f"{size.open_timers:,} open timers on {partitions} partitions in one worker of the deadlines stage, which runs "
        "alone; timers of product questions under the shipped policy, as route writes them."
    )
