"""`clock-lateness`: how long after its deadline a breach is seen, the deadlines stage alone."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.breaches import Breaches
from bench.delays import COLUMNS, told
from bench.falling_due import FULL, PATIENCE_S, QUICK, TICK_S, Load, falling_due
from bench.open_timers import deadlines_alone, described, open_timers, size_of
from bench.processes import cpu_s
from bench.report import Table
from bench.scratch_broker import Say

FULL_S: Final = 60
QUICK_S: Final = 5


def bench_clock_lateness(quick: bool, say: Say) -> Table:
    number, load, seconds = size_of(quick), QUICK if quick else FULL, QUICK_S if quick else FULL_S
    breaches, cpu, partitions = asyncio.run(_measure(number, load, seconds, say))
    return Table(
        "clock-lateness",
        "python -m bench clock-lateness",
        [
            described(number, partitions),
            f"For {seconds} s {load.due:,} more fall due a second, and {load.arriving:,} new ones start; "
            f"ticks every {TICK_S * 1000:.0f} ms are written to `sla-timer`.",
            "Delay: from the due time to a consumer that reads committed records; a tick later than due is part of it. "
            f"{len(breaches.delays):,} breaches, {breaches.repeated} of them twice.",
            "Aimed at: p50 120 ms, p99 250 ms.",
        ],
        ("from the due time to", *COLUMNS, "CPU of the worker, of one core"),
        [["breach seen", *told([*breaches.delays.values()]), f"{cpu:.0%}"]],
    )


async def _measure(number: int, load: Load, seconds: int, say: Say) -> tuple[Breaches, float, int]:
    async with deadlines_alone(say) as at:
        opening = await open_timers(at, number, say)
        async with falling_due(at, opening, load, seconds, say) as breaches:
            cpu = cpu_s(at.worker.process)
            await asyncio.sleep(seconds)
            used = (cpu_s(at.worker.process) - cpu) / seconds
            await breaches.until_seen(load.due * seconds, PATIENCE_S)
        return breaches, used, at.partitions
