"""`clock`: how fast one worker of the deadlines stage opens timers, and what memory they take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.open_timers import Opening, OpenTimers, deadlines_alone, described, open_timers, size_of
from bench.processes import memory_mb, most_memory_mb
from bench.report import Table
from bench.scratch_broker import Say


def bench_clock(quick: bool, say: Say) -> Table:
    number = size_of(quick)
    opening, memory, partitions = asyncio.run(_measure(number, say))
    return Table(
        "clock",
        "python -m bench clock",
        [
            described(number, partitions),
            "Timers stand on `sla-timer` before the worker starts. Timed from the first commit to the last, of "
            "transactions that hold the state, the event `started` and the offset of each.",
            "Memory: resident, of the worker.",
        ],
        ("", "measured", "aimed at"),
        [
            ["timers opened a second", f"{opening.per_second:,.0f}", "20,000"],
            ["CPU µs a timer opened", f"{opening.cpu_us:.1f}", ""],
            ["of the first tenth", f"{opening.first_tenth_cpu_us:.1f}", ""],
            ["of the last tenth", f"{opening.last_tenth_cpu_us:.1f}", f"{opening.first_tenth_cpu_us * 1.3:.1f}"],
            *memory,
        ],
    )


async def _measure(number: int, say: Say) -> tuple[Opening, list[Sequence[str]], int]:
    async with deadlines_alone(say) as at:
        opening = await open_timers(at, number, say)
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
