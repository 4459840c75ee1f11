"""Writing record batches, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.record_batches import Outbox, OutgoingRecord

MAX_BATCH_BYTES = 900_000
"""Below Kafka's default limit for a batch (1 MiB); a larger single record travels alone."""
MAX_REQUEST_BYTES = 8 * 1024 * 1024
PRODUCER_STOP_S = 5.0


class WriteFailed(RuntimeError):
    """The broker did not take a batch."""


def new_producer(bootstrap: str, *, transactional_id: str | None = None, **settings: Any) -> AIOKafkaProducer:
    """An idempotent producer, not started. With `transactional_id`, starting it fences its predecessors."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        retry_backoff_ms=20,
        request_timeout_ms=30_000,
        transactional_id=transactional_id,
        **settings,
    )


@asynccontextmanager
async def open_producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer. On the way out it delivers what it has, unless its broker is gone."""
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        yield producer
    finally:
        # Without an end it would wait for its broker for ever.
        with suppress(TimeoutError):
            async with asyncio.timeout(PRODUCER_STOP_S):
                await producer.stop()


@asynccontextmanager
async def only_writer(bootstrap: str, transactional_id: str, timeout_s: float) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer for transactions. Whoever started before under the id is fenced, and what it had begun is
    settled. The broker aborts a transaction that takes longer than `timeout_s`."""
    producer = new_producer(bootstrap, transactional_id=transactional_id, transaction_timeout_ms=int(timeout_s * 1000))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write_outbox(producer: AIOKafkaProducer, outbox: Outbox) -> None:
    """Writes all groups and returns when the broker has acknowledged every record. Raises WriteFailed."""
    groups = [(target, records) for target, records in outbox.groups.items() if records]
    if len(groups) == 1:
        (topic, partition), records = groups[0]
        await write_records(producer, topic, partition, records)
    else:
        await asyncio.gather(*(write_records(producer, *target, records) for target, records in groups))


async def write_records(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[OutgoingRecord]
) -> None:
    """Writes records into one partition in order. Raises WriteFailed naming the topic."""
    try:
        futures = []
        builder = producer.create_batch()
        append = builder.append
        for key, value, headers, timestamp in records:
            if append(timestamp=timestamp, key=key, value=value, headers=headers) is None:
                builder.close()
                futures.append(await producer.send_batch(builder, topic, partition=partition))
                builder = producer.create_batch()
                append = builder.append
                append(timestamp=timestamp, key=key, value=value, headers=headers)
        builder.close()
        futures.append(await producer.send_batch(builder, topic, partition=partition))
        for future in futures:  # each one: aiokafka commits a transaction although a send of it failed
            await future
    except KafkaError as error:
        raise WriteFailed(f"{topic}-{partition} did not take {len(records)} records: {error!r}") from error
