"""Timers that fall due, others that start, and time that passes, on `sla-timer` alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.beside import beside
from bench.breaches import Breaches
from bench.open_timers import Opening, OpenTimers
from bench.scratch_broker import Say
from bench.timers import let_time_pass, let_timers_arrive, timer, write_timers
from bench.watching import Stuck
from streams.writing import new_producer

TICK_S: Final = 0.1
DUE: Final = "due"
LEAD_S: Final = 12
"""Time passes, and timers start, for so long before the first falls due."""
SLACK: Final = 3
"""Timers that are to fall due have so many times the time to be opened that the first ones took."""
PATIENCE_S: Final = 120.0


@dataclass(frozen=True)
class Load:
    """Timers a second."""

    due: int
    arriving: int


FULL: Final = Load(1_000, 2_000)
QUICK: Final = Load(200, 400)


@asynccontextmanager
async def falling_due(at: OpenTimers, opening: Opening, load: Load, seconds: int, say: Say) -> AsyncIterator[Breaches]:
    """Begins when the first timer falls due, and gives the breaches that are seen. `opening`: of all timers that are
    on `sla-timer` now. Raises Stuck."""
    number = load.due * seconds
    say(f"{number:,} fall due in {seconds} s")
    begin = time.time() + LEAD_S + SLACK * number / opening.per_second
    due = (timer(DUE, each, begin + each / load.due) for each in range(number))
    await write_timers(at.bootstrap, at.partitions, due)
    await at.until_committed(opening.timers + number, PATIENCE_S)
    breaches, producer = Breaches(DUE), new_producer(at.bootstrap)
    await producer.start()
    try:
        async with beside(
            breaches.watch(at.bootstrap),
            let_time_pass(producer, at.partitions, TICK_S),
            let_timers_arrive(producer, at.partitions, "arrived", load.arriving),
        ):
            await _sleep_until(begin)
            yield breaches
    finally:
        await producer.stop()


async def _sleep_until(begin: float) -> None:
    lead = begin - time.time()
    if lead < LEAD_S / 2:
        raise Stuck(f"opening the timers that are to fall due took {LEAD_S - lead:.0f} s too long")
    await asyncio.sleep(lead)
