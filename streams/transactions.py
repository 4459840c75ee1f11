"""Exactly once for a stateful stage: a batch's state, outputs and input offset in one Kafka transaction.

The transactional id is `stage-partition`: aiokafka sends offsets without the group's generation, so only the id fences
a worker that lost its partition without noticing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

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
    seen_offset: int
    """Where the folded batches end; past `next_offset` when the last ones changed nothing."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


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
    ) -> None:
        self._stage, self._group, self._bootstrap = stage, group, bootstrap
        self._source, self._state, self._new_fold = source, state, new_fold
        self._timeout_ms = int(timeout_s * 1000)
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
        try:
            await producer.start()
            offset = await self._committed(partition)
            fold = self._new_fold(partition)
            await load_state(self._bootstrap, self._state, partition, fold)
        except BaseException:
            await producer.stop()
            raise
        self.owned[partition] = OwnedPartition(producer, fold, offset, offset)
        return offset

    async def give_up(self, partition: int) -> None:
        owned = self.owned.pop(partition, None)
        if owned is not None:
            async with owned.lock:
                await self._commit_idle(partition, owned)
            await owned.producer.stop()
            owned.fold.given_up()

    async def process(self, batch: RecordBatch) -> None:
        """Folds and writes a batch. Raises ProducerFenced if another worker has taken the partition."""
        owned = self.owned[batch.partition]
        async with owned.lock:
            outbox = Outbox()
            owned.seen_offset = owned.next_offset  # if this fails halfway, giving up must commit nothing
            owned.fold.fold(batch, outbox)
            if outbox:
                await self._commit(batch.partition, owned, outbox, batch.next_offset)
            owned.seen_offset = batch.next_offset  # without changes, `commit_idle` moves the committed offset on

    async def commit_idle(self) -> None:
        """Commits the offsets of batches that changed nothing, with the fold's checkpoint. Called now and then."""
        for partition, owned in list(self.owned.items()):
            async with owned.lock:
                if partition in self.owned:
                    await self._commit_idle(partition, owned)

    async def _commit_idle(self, partition: int, owned: OwnedPartition) -> None:
        if owned.seen_offset != owned.next_offset:
            outbox = Outbox()
            owned.fold.checkpoint(outbox)
            await self._commit(partition, owned, outbox, owned.seen_offset)

    async def _commit(self, partition: int, owned: OwnedPartition, outbox: Outbox, next_offset: int) -> None:
        offsets = {TopicPartition(self._source, partition): next_offset}
        async with owned.producer.transaction():
            # Data first: aiokafka backs off when offsets come before the first data of a transaction
            await write_outbox(owned.producer, outbox)
            await owned.producer.send_offsets_to_transaction(offsets, self._group)
        owned.next_offset = next_offset

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
