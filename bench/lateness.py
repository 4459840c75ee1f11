"""`lateness`: how long after its deadline a breach is seen, with many timers open, through the whole pipeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.beside import beside
from bench.breaches import Breaches
from bench.delays import COLUMNS, told
from bench.latency import run_mentions
from bench.pipelines import running_pipeline
from bench.report import Table
from bench.scratch_broker import Say
from bench.timers import at_risk_before_due_s, target_s, timer, write_timers
from bench.watching import Stuck
from schemas.records import TimerStart
from streams.progress import wait_until_drained
from streams.settings import Settings
from tenfour.local_pipeline import SOURCES

DUE_A_SECOND: Final = 300
MENTIONS_A_SECOND: Final = 50
LEAD_S: Final = 10
PATIENCE_S: Final = 60.0
RUN: Final = "lateness"


@dataclass(frozen=True)
class Size:
    """`open_timers` at the start, `seconds` in which some fall due."""

    open_timers: int
    seconds: int

    @property
    def due(self) -> int:
        return DUE_A_SECOND * self.seconds


FULL: Final = Size(100_000, 60)
QUICK: Final = Size(5_000, 5)


def bench_lateness(quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    breaches, partitions = asyncio.run(_measure(size, say))
    return Table(
        "lateness",
        "python -m bench lateness",
        [
            f"{size.open_timers:,} open timers on {partitions} partitions; {DUE_A_SECOND} fall due and as many "
            f"are at risk each second for {size.seconds} s; {MENTIONS_A_SECOND} mentions a second besides; "
            "live ticks every 250 ms, all stages with the model in the processes of `tenfour up`.",
            "The timers are written to `sla-timer`; ticks travel from `mentions-raw` through every stage.",
            "Delay: from the due time to a consumer that reads committed records. "
            f"{len(breaches.delays):,} breaches, {breaches.repeated} of them twice.",
            "Aimed at: p99 500 ms.",
        ],
        ("from the due time to", *COLUMNS),
        [["breach seen", *told([*breaches.delays.values()])]],
    )


async def _measure(size: Size, say: Say) -> tuple[Breaches, int]:
    async with running_pipeline(say) as settings:
        await run_mentions(settings, "warm-up", MENTIONS_A_SECOND, MENTIONS_A_SECOND * 5)
        say(f"opening {size.open_timers:,} timers")
        now = time.time()
        begin = now + LEAD_S + size.open_timers / 4_000
        await write_timers(settings.bootstrap, settings.partitions, _open_timers(size, now, begin))
        await wait_until_drained(settings.bootstrap, SOURCES[2:3])
        if time.time() > begin:
            raise Stuck(f"opening {size.open_timers:,} timers took {time.time() - now:.0f} s")
        say(f"{size.due:,} fall due in {size.seconds} s")
        return await _watch_breaches(settings, size, begin), settings.partitions


async def _watch_breaches(settings: Settings, size: Size, begin: float) -> Breaches:
    breaches = Breaches(RUN)
    async with beside(breaches.watch(settings.bootstrap)):
        number = int(MENTIONS_A_SECOND * (begin - time.time() + size.seconds))
        await run_mentions(settings, "beside", MENTIONS_A_SECOND, number)
        await breaches.until_seen(size.due, PATIENCE_S)
    return breaches


def _open_timers(size: Size, now: float, begin: float) -> Iterator[TimerStart]:
    """First those that fall due, then those that come to be at risk, both evenly from `begin`, then the rest."""
    for number in range(size.open_timers):
        moment = begin + number % size.due / DUE_A_SECOND
        if number < size.due:
            yield timer(RUN, number, moment)
        elif number < 2 * size.due:
            yield timer(RUN, number, moment + at_risk_before_due_s())
        else:
            yield timer(RUN, number, now + target_s())
