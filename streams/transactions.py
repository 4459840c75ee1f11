"""Exactly once for a stateful stage: a batch's state, outputs and input offset in one Kafka transaction.

The transactional id is `stage-partition`: aiokafka sends offsets without the group's generation, so only the id fences a
worker that lost its partition without noticing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.record_batches import Outbox, RecordBatch
from streams.state import Fold, load_state
from streams.writing import new_producer, write_outbox


@dataclass
class OwnedPartition:
    """One partition of a stateful stage, between assignment and giving up."""

    producer: AIOKafkaProducer
    fold: Fold
    next_offset: int
    """Where the committed transactions end."""
    idle_since_commit: int = 0


class PartitionTransactions:
    """All partitions that a stateful stage owns in this process."""

    def __init__(
        self,
        stage: str,
        group: str,
        bootstrap: str,
        source: str,
        state: str,
        new_fold: Callable[[int], Fold],
        *,
        timeout_s: float,
        idle_batches: int = 64,
    ) -> None:
        """`idle_batches`: after so many batches that changed nothing their offsets are committed all the same."""
        self._stage, self._group, self._bootstrap = stage, group, bootstrap
        self._source, self._state, self._new_fold = source, state, new_fold
        self._timeout_ms = int(timeout_s * 1000)
        self._idle_batches = idle_batches
        self.owned: dict[int, OwnedPartition] = {}

    async def take(self, partition: int) -> int:
        """Owns the partition and gives the offset to read from. The order matters: initialising the transactional id
        fences the previous owner and settles its open transaction; only then are the committed offset and the state
        what they will stay."""
        producer = new_producer(
            self._bootstrap,
            transactional_id=f"{self._stage}-{partition}",
            transaction_timeout_ms=self._timeout_ms,
        )
        await producer.start()
        try:
            offset = await self._committed(partition)
            fold = self._new_fold(partition)
            await load_state(self._bootstrap, self._state, partition, fold)
        except BaseException:
            await producer.stop()
            raise
        self.owned[partition] = OwnedPartition(producer, fold, offset)
        return offset

    async def give_up(self, partition: int) -> None:
        owned = self.owned.pop(partition, None)
        if owned is not None:
            await owned.producer.stop()

    async def process(self, batch: RecordBatch) -> None:
        """Folds and writes a batch. Raises ProducerFenced if another worker has taken the partition."""
        owned = self.owned[batch.partition]
        outbox = Outbox()
        owned.fold.fold(batch, outbox)
        owned.idle_since_commit += 1
        if not outbox and owned.idle_since_commit < self._idle_batches:
            return  # folding it again changes nothing either
        if not outbox:
            owned.fold.checkpoint(outbox)
        await self._commit(owned, outbox, batch)

    async def _commit(self, owned: OwnedPartition, outbox: Outbox, batch: RecordBatch) -> None:
        offsets = {TopicPartition(self._source, batch.partition): batch.next_offset}
        async with owned.producer.transaction():
            # Data first: aiokafka backs off when offsets come before the first data of a transaction
            await write_outbox(owned.producer, outbox)
            await owned.producer.send_offsets_to_transaction(offsets, self._group)
        owned.next_offset = batch.next_offset
        owned.idle_since_commit = 0

    async def _committed(self, partition: int) -> int:
        """The group's committed offset, or the start of the partition."""
        tp = TopicPartition(self._source, partition)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=self._group, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([tp])
            offset: int | None = await consumer.committed(tp)
            return offset if offset is not None else (await consumer.beginning_offsets([tp]))[tp]
        finally:
            await asyncio.shield(consumer.stop())
