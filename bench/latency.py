"""`latency`: how long a mention takes from intake to its owner, through the whole pipeline with the model."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.arrivals import send_mentions
from bench.delays import COLUMNS, told
from bench.report import Table
from bench.scratch_broker import Say
from bench.watching import Stuck
from schemas.codecs import decode
from schemas.records import ClassifiedMention, RoutedMention
from streams.reading import reader
from streams.settings import Settings
from streams.topics import MENTIONS_CLASSIFIED, MENTIONS_ROUTED
from tenfour.local_pipeline import LocalPipeline, local_pipeline

RATE: Final = 200
WARM_UP_S: Final = 10
FULL_S: Final = 60
QUICK_S: Final = 5
PATIENCE_S: Final = 60.0


@dataclass
class Seen:
    """Delays in ms, by the mention's id, as a reader that reads committed records sees them."""

    classified: dict[str, float] = field(default_factory=dict)
    routed: dict[str, float] = field(default_factory=dict)
    spam: set[str] = field(default_factory=set)

    def add(self, value: bytes, delay_ms: float) -> None:
        record = decode(value)
        if isinstance(record, ClassifiedMention):
            self.classified[record.mention.id] = delay_ms
            if record.classification.type == "spam":
                self.spam.add(record.mention.id)
        elif isinstance(record, RoutedMention):
            self.routed[record.mention.id] = delay_ms

    @property
    def ended(self) -> int:
        return len(self.routed) + len(self.spam)


def bench_latency(quick: bool, say: Say) -> Table:
    seconds = QUICK_S if quick else FULL_S
    seen, partitions = asyncio.run(_measure(seconds, say))
    rows = [["classified", *told([*seen.classified.values()])], ["routed", *told([*seen.routed.values()])]]
    return Table(
        "latency",
        "python -m bench latency",
        [
            f"{RATE} mentions a second at random moments for {seconds} s, live ticks every 250 ms, "
            f"{partitions} partitions, all stages with the model in the two processes of `tenfour up`.",
            f"Delay: from the record's timestamp in `mentions-raw` to a consumer that reads committed records. "
            f"{len(seen.classified):,} mentions: {len(seen.routed):,} routed, {len(seen.spam):,} spam.",
            "Aimed at, for routed: p50 60 ms, p99 250 ms.",
        ],
        ("from intake to", *COLUMNS),
        rows,
    )


@asynccontextmanager
async def running_pipeline(say: Say) -> AsyncIterator[LocalPipeline]:
    """Broker and stages as `tenfour up` has them, on a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder:
        async with local_pipeline(Settings(), Path(folder), say) as pipeline:
            yield pipeline


async def _measure(seconds: int, say: Say) -> tuple[Seen, int]:
    async with running_pipeline(say) as pipeline:
        await run_mentions(pipeline, "warm-up", RATE, RATE * WARM_UP_S)
        say(f"{RATE} mentions a second for {seconds} s")
        return await run_mentions(pipeline, "timed", RATE, RATE * seconds), pipeline.settings.partitions


async def run_mentions(pipeline: LocalPipeline, run: str, rate: float, number: int) -> Seen:
    """Sends mentions and gives what was seen when each has ended. Raises Stuck."""
    bootstrap, seen = pipeline.settings.bootstrap, Seen()
    watching = asyncio.create_task(_watch(bootstrap, seen))
    try:
        await asyncio.sleep(1)  # the watcher stands at the end of its topics
        await send_mentions(bootstrap, pipeline.settings.partitions, run, rate, number)
        await _until_ended(seen, number)
        return seen
    finally:
        watching.cancel()


async def _until_ended(seen: Seen, number: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while seen.ended < number:
        if time.monotonic() > deadline:
            raise Stuck(f"{seen.ended} of {number} mentions are routed or spam, {len(seen.classified)} classified")
        await asyncio.sleep(0.2)


async def _watch(bootstrap: str, seen: Seen) -> None:
    topics = (MENTIONS_CLASSIFIED.name, MENTIONS_ROUTED.name)
    async with reader(bootstrap, topics, from_start=False) as consumer:
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            now = time.time() * 1000
            for records in fetched.values():
                for record in records:
                    seen.add(record.value, now - record.timestamp)
