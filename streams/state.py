"""State of a stateful stage: in memory, partition by partition, owned through a compacted topic."""

from __future__ import annotations

import gc
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.record_batches import Outbox, RecordBatch

LOAD_POLL_RECORDS = 20_000
LOAD_POLL_MS = 200


class Restored(Protocol):
    """What is loaded from a partition of a topic before anything else."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes one record of the state topic; a later one for the same key replaces it, None removes it."""

    def restored(self) -> None:
        """Called once, after the last `restore`."""


class Fold(Restored, Protocol):
    """The state of one partition and its rule. A process that fails loses the object, and loads it again."""

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        """Folds a batch: adds outputs and changed state to the outbox. Nothing added: nothing changed that is worth a
        write."""

    def given_up(self) -> None:
        """The partition goes to another worker: what is shown of it here is no longer true."""

    def checkpoint(self, outbox: Outbox) -> None:
        """Adds state that changes too often to be written alone: called when offsets are committed without outputs."""


async def load_state(bootstrap: str, topic: str, partition: int, fold: Restored) -> int:
    """Reads the state topic's partition to its stable end into `fold`; gives the records read. The partition's
    transactional id must have been initialised before, so that no older transaction is still open."""
    tp = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    await consumer.start()
    try:
        consumer.assign([tp])
        count = await _read_to_end(consumer, tp, fold)
    finally:
        await consumer.stop()
    fold.restored()
    gc.freeze()  # a million timers are no garbage: keep them out of every later collection
    return count


async def _read_to_end(consumer: AIOKafkaConsumer, tp: TopicPartition, fold: Restored) -> int:
    end = (await consumer.end_offsets([tp]))[tp]
    await consumer.seek_to_beginning(tp)
    count = 0
    restore = fold.restore
    while await consumer.position(tp) < end:
        fetched = await consumer.getmany(tp, timeout_ms=LOAD_POLL_MS, max_records=LOAD_POLL_RECORDS)
        for record in fetched.get(tp, ()):
            restore(record.key, record.value)
            count += 1
    return count
