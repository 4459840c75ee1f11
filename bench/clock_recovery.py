"""`clock-recovery`: how long a killed worker of the deadlines stage is missed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench.breaches import Breaches, count_events
from bench.falling_due import FULL, PATIENCE_S, QUICK, Load, falling_due
from bench.open_timers import OpenTimers, deadlines_alone, described, open_timers, size_of
from bench.processes import memory_mb
from bench.report import Table
from bench.scratch_broker import Say

FULL_KILLS: Final = 3
QUICK_KILLS: Final = 1
A_KILL_S: Final = 45
"""Seconds in which timers fall due, a kill."""
SETTLE_S: Final = 5.0
"""From the verdicts after one kill to the next kill."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from SIGKILL on."""

    runs: float
    loaded: float
    verdict: float
    memory_mb: float


def bench_clock_recovery(quick: bool, say: Say) -> Table:
    number, load, kills = size_of(quick), QUICK if quick else FULL, QUICK_KILLS if quick else FULL_KILLS
    recoveries, checked, partitions = asyncio.run(_measure(number, load, kills, say))
    return Table(
        "clock-recovery",
        "python -m bench clock-recovery",
        [
            described(number, partitions),
            f"While {load.due:,} more fall due a second and {load.arriving:,} new ones start, SIGKILL ends the "
            "worker, which is started again at once; no static member: the group waits for the dead one's session.",
            "First verdict: the first breach that a consumer sees, which reads committed records, of a timer that fell "
            "due after the kill.",
            checked,
            "Aimed at: first verdict within 20 s.",
        ],
        ("kill", "process runs after s", "state loaded after s", "first verdict after s", "memory MB then"),
        [_recovery_row(kill, found) for kill, found in enumerate(recoveries, 1)],
    )


def _recovery_row(kill: int, found: Recovery) -> list[str]:
    seconds = (f"{value:.1f}" for value in (found.runs, found.loaded, found.verdict))
    return [str(kill), *seconds, f"{found.memory_mb:,.0f}"]


async def _measure(number: int, load: Load, kills: int, say: Say) -> tuple[list[Recovery], str, int]:
    seconds = A_KILL_S * kills
    async with deadlines_alone(say) as at:
        opening = await open_timers(at, number, say)
        async with falling_due(at, opening, load, seconds, say) as breaches:
            recoveries = [await _kill(at, breaches, say) for _ in range(kills)]
            await breaches.until_seen(load.due * seconds, seconds + PATIENCE_S)
        say("reading all events again")
        events, repeated = await count_events(at.bootstrap)
        checked = (
            f"In the end {len(breaches.delays):,} breaches of as many timers, {repeated} of {events:,} events twice."
        )
        return recoveries, checked, at.partitions


async def _kill(at: OpenTimers, breaches: Breaches, say: Say) -> Recovery:
    await breaches.first_due_after(time.time() + SETTLE_S, PATIENCE_S)
    say("SIGKILL")
    killed = time.time()
    at.worker.kill()
    at.worker.start()
    runs, loaded, verdict = await asyncio.gather(
        at.worker.until_runs(), at.worker.until_loaded(), breaches.first_due_after(killed, PATIENCE_S)
    )
    say(f"verdict {verdict - killed:.1f} s after the kill")
    return Recovery(runs - killed, loaded - killed, verdict - killed, memory_mb(at.worker.process))
