"""aiokafka alone: poll, decide, write awaited batches, commit, poll again."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer

from bench.contenders.contest import Contest
from bench.work import batch_work
from streams.record_batches import RecordBatch
from streams.stages import run
from streams.writing import new_producer, write_outbox

POLL_RECORDS = 2000


def run_contender(contest: Contest) -> None:
    run(_poll(contest))


async def _poll(contest: Contest) -> None:
    decide = batch_work(contest.work)
    producer = new_producer(contest.bootstrap)
    consumer = AIOKafkaConsumer(
        contest.source,
        bootstrap_servers=contest.bootstrap,
        group_id=contest.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await producer.start()
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=200, max_records=POLL_RECORDS)
        for tp, records in fetched.items():
            outboxes = await decide(RecordBatch(tp.topic, tp.partition, records))
            await asyncio.gather(*(write_outbox(producer, outbox) for outbox in outboxes))
        if fetched:
            await consumer.commit()
