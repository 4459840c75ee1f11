"""Reading topics outside the stages: for tails, demos and checks. Never commits; sees committed records only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.topics import partition_counts

POLL_MS = 200
POLL_RECORDS = 5000
AT_ONCE = {"fetch_max_wait_ms": 50}
"""How a consumer fetches for whom each record is urgent."""
GATHERED = {"fetch_max_wait_ms": 250, "fetch_min_bytes": 65_536}
"""The same for whom a quarter of a second is soon: ticks alone would cost the broker a request each."""


@asynccontextmanager
async def reader(
    bootstrap: str, topics: Iterable[str], *, from_start: bool, gathered: bool = False
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group on all partitions of the topics, at their start or their end. `gathered`: what comes
    within a quarter of a second comes together."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **(GATHERED if gathered else AT_ONCE),
    )
    await consumer.start()
    try:
        counts = await partition_counts(bootstrap)
        tps = [TopicPartition(topic, number) for topic in topics for number in range(counts.get(topic, 0))]
        consumer.assign(tps)
        await (consumer.seek_to_beginning(*tps) if from_start else consumer.seek_to_end(*tps))
        yield consumer
    finally:
        await consumer.stop()


async def read_to_end(bootstrap: str, topics: Iterable[str]) -> AsyncIterator[ConsumerRecord]:
    """Every record from the start to where the topics end now; in order within a partition."""
    async with reader(bootstrap, topics, from_start=True) as consumer:
        unread = dict(await consumer.end_offsets(list(consumer.assignment())))
        while unread:
            for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)).values():
                for record in records:
                    yield record
            unread = {tp: end for tp, end in unread.items() if await consumer.position(tp) < end}


async def follow(bootstrap: str, topics: Iterable[str], *, from_start: bool) -> AsyncIterator[ConsumerRecord]:
    """Every record as it comes, without end."""
    async with reader(bootstrap, topics, from_start=from_start) as consumer:
        while True:
            for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)).values():
                for record in records:
                    yield record
