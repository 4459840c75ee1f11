"""`lateness`: how long after its deadline a breach is seen, with many timers open, through the whole pipeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bench.delays import COLUMNS, told
from bench.latency import run_mentions
from bench.pipelines import running_pipeline
from bench.report import Table
from bench.scratch_broker import Say
from bench.watching import Stuck
from schemas.codecs import decode, encode
from schemas.ids import conversation_key, derive_id
from schemas.records import SlaEvent, TimerStart
from streams.partitions import partition_of
from streams.progress import wait_until_drained
from streams.reading import reader
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import SLA_EVENTS, SLA_TIMER
from streams.writing import new_producer, write_outbox
from tenfour.local_pipeline import SOURCES

DUE_A_SECOND: Final = 300
MENTIONS_A_SECOND: Final = 50
LEAD_S: Final = 10
HOUR_S: Final = 3600.0
PATIENCE_S: Final = 60.0
BRAND: Final = "AmazonHelp"
PREFIX: Final = "lateness"


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


@dataclass
class Breaches:
    """Breaches seen of this run's timers: ms after the due time, by the event's id, and repeats."""

    delays: dict[str, float] = field(default_factory=dict)
    repeated: int = 0

    def add(self, value: bytes, now_ms: float) -> None:
        event = decode(value)
        if isinstance(event, SlaEvent) and event.kind == "breached" and event.mention.startswith(PREFIX):
            self.repeated += event.id in self.delays
            self.delays.setdefault(event.id, now_ms - event.due_at.timestamp() * 1000)


def bench_lateness(quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    breaches, partitions = asyncio.run(_measure(size, say))
    return Table(
        "lateness",
        "python -m bench lateness",
        [
            f"{size.open_timers:,} open timers on {partitions} partitions; {DUE_A_SECOND} fall due and as many "
            f"are at risk each second for {size.seconds} s; {MENTIONS_A_SECOND} mentions a second besides; "
            "live ticks every 250 ms, all stages with the model in the two processes of `tenfour up`.",
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
        await _write(settings, _open_timers(size, now, begin))
        await wait_until_drained(settings.bootstrap, SOURCES[2:3])
        if time.time() > begin:
            raise Stuck(f"opening {size.open_timers:,} timers took {time.time() - now:.0f} s")
        say(f"{size.due:,} fall due in {size.seconds} s")
        return await _watch_breaches(settings, size, begin), settings.partitions


async def _watch_breaches(settings: Settings, size: Size, begin: float) -> Breaches:
    breaches = Breaches()
    watching = asyncio.create_task(_watch(settings.bootstrap, breaches))
    try:
        number = int(MENTIONS_A_SECOND * (begin - time.time() + size.seconds))
        await run_mentions(settings, "beside", MENTIONS_A_SECOND, number)
        await _until_seen(breaches, size.due)
    finally:
        watching.cancel()
    return breaches


async def _until_seen(breaches: Breaches, number: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(breaches.delays) < number:
        if time.monotonic() > deadline:
            raise Stuck(f"{len(breaches.delays)} of {number} breaches seen")
        await asyncio.sleep(0.2)


async def _watch(bootstrap: str, breaches: Breaches) -> None:
    async with reader(bootstrap, [SLA_EVENTS.name], from_start=False) as consumer:
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            now_ms = time.time() * 1000
            for records in fetched.values():
                for record in records:
                    breaches.add(record.value, now_ms)


def _open_timers(size: Size, now: float, begin: float) -> Iterator[TimerStart]:
    """First those that fall due, then those that come to be at risk, both evenly from `begin`, then the rest."""
    for number in range(size.open_timers):
        moment = begin + number % size.due / DUE_A_SECOND
        if number < size.due:
            yield _timer(number, now, now, moment)
        elif number < 2 * size.due:
            yield _timer(number, now, moment, now + HOUR_S)
        else:
            yield _timer(number, now, now + HOUR_S, now + 2 * HOUR_S)


def _timer(number: int, started: float, at_risk: float, due: float) -> TimerStart:
    mention = f"{PREFIX}-{number}"
    return TimerStart(
        id=derive_id("timer_start", mention, "first_response"),
        conversation=conversation_key(BRAND, "twitter", mention),
        target="first_response",
        mention=mention,
        brand=BRAND,
        type="customer_complaint",
        team="support",
        started_at=datetime.fromtimestamp(started, UTC),
        at_risk_at=datetime.fromtimestamp(at_risk, UTC),
        due_at=datetime.fromtimestamp(due, UTC),
        policy="bench",
    )


async def _write(settings: Settings, timers: Iterator[TimerStart]) -> None:
    outbox, now_ms = Outbox(), int(time.time() * 1000)
    for timer in timers:
        key = timer.conversation.encode()
        partition = partition_of(key, settings.partitions)
        outbox.to(SLA_TIMER.name, partition).append(OutgoingRecord(key, encode(timer), [], now_ms))
    producer = new_producer(settings.bootstrap)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()
