"""`tenfour sla replay`: does the log still say what was told?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from agents.keep_policies import KnownCalendars
from agents.track_deadlines import STAGE, TIMER_RECORDS
from domain.replay_check import Comparison, Refold
from domain.working_time import WorkingTime
from schemas.codecs import UndecodableRecord, decode
from schemas.records import SlaEvent
from streams.progress import committed_offsets
from streams.reading import POLL_MS, POLL_RECORDS
from streams.settings import Settings, load_settings
from streams.topics import DEADLINES_STATE, SLA_EVENTS, SLA_TIMER, partition_counts, require_topics
from tenfour.kafka import with_kafka
from tenfour.printing import print_json, print_table, progress_bar, remark


def replay(json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Fold the log of timers again and compare every event with what was told. Differences: exit status 1."""
    found = asyncio.run(_replay(with_kafka(load_settings())))
    for difference in found.differences:
        remark(difference)
    counts = {
        "equal": found.equal,
        "different": len(found.differences),
        "not_comparable_cycles": found.not_comparable,
    }
    if json:
        print_json(counts | {"differences": found.differences})
    else:
        print_table(["events", "count"], [[name.replace("_", " "), str(count)] for name, count in counts.items()])
    if found.differences:
        raise typer.Exit(1)


async def _replay(settings: Settings) -> Comparison:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    calendars, whole = KnownCalendars(), Comparison()
    await calendars.read(settings)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        partitions = (await partition_counts(settings.bootstrap))[SLA_TIMER.name]
        with progress_bar("partitions") as progress:
            for partition in range(partitions):
                progress(partition, partitions)
                whole.add(await _compare(consumer, settings, partition, WorkingTime(calendars.get)))
            progress(partitions, partitions)
    finally:
        await consumer.stop()
    return whole


async def _compare(consumer: AIOKafkaConsumer, settings: Settings, partition: int, time: WorkingTime) -> Comparison:
    """What was told is read between two looks at what the stage has committed: it is then no more than the log says up
    to the second, and no less than up to the first."""
    timers, events, state = (
        TopicPartition(topic.name, partition) for topic in (SLA_TIMER, SLA_EVENTS, DEADLINES_STATE)
    )
    before = await _committed(settings, timers)
    emitted = [event async for event in _events(consumer, events)]
    after = await _committed(settings, timers)
    begin = (await consumer.beginning_offsets([timers]))[timers]
    refold = Refold(time, whole=begin == 0)
    if begin > 0:
        async with aclosing(_records(consumer, timers, after)) as records:
            oldest = await anext(records, None)
        if oldest is not None:
            refold.restore(await _unchanged_states(consumer, state, oldest.timestamp))
    async for record in _records(consumer, timers, after):
        with suppress(ValueError):  # the stage made it a dead letter
            refold.fold(record.offset, TIMER_RECORDS.decode(record.value))
    return refold.compare(emitted, before)


async def _events(consumer: AIOKafkaConsumer, tp: TopicPartition) -> AsyncIterator[SlaEvent]:
    async for record in _records(consumer, tp, (await consumer.end_offsets([tp]))[tp]):
        try:
            event = decode(record.value)
        except UndecodableRecord:
            continue
        if isinstance(event, SlaEvent):
            yield event


async def _unchanged_states(consumer: AIOKafkaConsumer, tp: TopicPartition, since_ms: int) -> dict[bytes, bytes]:
    """The states that were last written for a cause from before then."""
    states: dict[bytes, tuple[int, bytes | None]] = {}
    async for record in _records(consumer, tp, (await consumer.end_offsets([tp]))[tp]):
        states[record.key] = (record.timestamp, record.value)
    return {key: value for key, (at, value) in states.items() if value is not None and at < since_ms}


async def _records(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int) -> AsyncGenerator[ConsumerRecord, None]:
    """From the begin of the partition up to, not including, an offset."""
    consumer.assign([tp])
    await consumer.seek_to_beginning(tp)
    while await consumer.position(tp) < end:
        for record in (await consumer.getmany(tp, timeout_ms=POLL_MS, max_records=POLL_RECORDS)).get(tp, ()):
            if record.offset >= end:
                return
            yield record


async def _committed(settings: Settings, tp: TopicPartition) -> int:
    return (await committed_offsets(settings.bootstrap, f"tenfour-{STAGE}", [tp])).get(tp, 0)
