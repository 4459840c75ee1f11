"""`latency`: how long a mention takes from intake to its owner, through the whole pipeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bench.arrivals import send_mentions
from bench.delays import COLUMNS, told
from bench.pipelines import running_pipeline
from bench.report import Table
from bench.scratch_broker import Say
from schemas.codecs import decode
from schemas.records import ClassifiedMention, RoutedMention
from streams.reading import reader
from streams.settings import Settings
from streams.topics import MENTIONS_CLASSIFIED, MENTIONS_ROUTED

WARM_UP_S: Final = 10
FULL_S: Final = 30
QUICK_S: Final = 5
PATIENCE_S: Final = 15.0
RATES: Final = ((False, 200), (True, 50), (True, 100), (True, 200))
"""With the model or without it, and mentions a second."""


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
    rows = [row for with_model, rate in RATES for row in asyncio.run(_rows(with_model, rate, seconds, say))]
    return Table(
        "latency",
        "python -m bench latency",
        [
            f"Mentions at random moments for {seconds} s, live ticks every 250 ms, {Settings().partitions} partitions, "
            "all stages in the processes of `tenfour up`. Without the model: the classify stage with readings made "
            "beforehand, route and deadlines alone.",
            "Delay: from the record's timestamp in `mentions-raw`, which is the moment meant for it, to a consumer "
            "that reads committed records.",
            f"Ended: routed, or found to be spam, at most {PATIENCE_S:.0f} s after the last was sent.",
            "Aimed at, to routed at 200 mentions a second: p50 60 ms, p99 250 ms.",
        ],
        ("model", "mentions/s", "ended", "from intake to", *COLUMNS),
        rows,
    )


async def _rows(with_model: bool, rate: int, seconds: int, say: Say) -> list[Sequence[str]]:
    async with running_pipeline(say, with_model=with_model) as settings:
        await run_mentions(settings, "warm-up", min(rate, 20), 20 * WARM_UP_S)
        say(f"{rate} mentions a second for {seconds} s, {'with' if with_model else 'without'} the model")
        seen = await run_mentions(settings, "timed", rate, rate * seconds)
    head = ["with" if with_model else "without", str(rate), f"{seen.ended:,} of {rate * seconds:,}"]
    return [
        [*head, "classified", *told([*seen.classified.values()])],
        [*head, "routed", *told([*seen.routed.values()])],
    ]


async def run_mentions(settings: Settings, run: str, rate: float, number: int) -> Seen:
    """Sends mentions and gives what was seen when each has ended, or patience has."""
    seen = Seen()
    watching = asyncio.create_task(_watch(settings.bootstrap, seen))
    try:
        await asyncio.sleep(1)  # the watcher stands at the end of its topics
        await send_mentions(settings.bootstrap, settings.partitions, run, rate, number)
        await _until_ended(seen, number)
        return seen
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _until_ended(seen: Seen, number: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while seen.ended < number:
        if time.monotonic() > deadline:
            return
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
