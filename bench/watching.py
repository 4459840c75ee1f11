"""How far a contender has come: the ends of the topic that it writes, and what it has committed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.progress import committed_by

POLL_S = 0.05


class Stuck(RuntimeError):
    """A contender ended or stood still; the text says where."""


@dataclass(frozen=True)
class Moment:
    """At `seconds` (of a monotonic clock) so many `records` stood on the topic, or were committed."""

    seconds: float
    records: int


@dataclass(frozen=True)
class Watch:
    """Counts records on `target` beyond those of the start, and offsets committed by a group on `source`."""

    consumer: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    source: list[TopicPartition]
    target: list[TopicPartition]
    start: int

    async def written(self) -> Moment:
        ends = await self.consumer.end_offsets(self.target)
        return Moment(time.monotonic(), sum(ends.values()) - self.start)

    async def until_written(self, records: int, alive: Callable[[], bool], timeout_s: float) -> Moment:
        """The first moment seen with at least `records`. Raises Stuck."""
        deadline = time.monotonic() + timeout_s
        while (moment := await self.written()).records < records:
            if not alive() or time.monotonic() > deadline:
                raise Stuck(f"{moment.records} of {records} records written after {timeout_s:.0f} s at most")
            await asyncio.sleep(POLL_S)
        return moment

    async def until_committed(
        self, group: str, records: int, timeout_s: float, alive: Callable[[], bool] = lambda: True
    ) -> Moment:
        """The first moment seen at which the group had committed at least so many records of the source. Raises
        Stuck."""
        deadline = time.monotonic() + timeout_s
        while (moment := await self.committed(group)).records < records:
            if not alive() or time.monotonic() > deadline:
                raise Stuck(f"{group} has committed {moment.records} of {records}")
            await asyncio.sleep(POLL_S)
        return moment

    async def empty_target(self) -> None:
        """Deletes what was written, so that the disk does not fill."""
        ends = await self.consumer.end_offsets(self.target)
        await self.admin.delete_records({tp: RecordsToDelete(end) for tp, end in ends.items()})

    async def committed(self, group: str) -> Moment:
        offsets = await committed_by(self.admin, group, self.source)
        return Moment(time.monotonic(), sum(offsets.values()))


@asynccontextmanager
async def watch(bootstrap: str, source: str, target: str, partitions: int) -> AsyncIterator[Watch]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    await admin.start()
    try:
        source_tps = [TopicPartition(source, number) for number in range(partitions)]
        target_tps = [TopicPartition(target, number) for number in range(partitions)]
        start = sum((await consumer.end_offsets(target_tps)).values())
        yield Watch(consumer, admin, source_tps, target_tps, start)
    finally:
        await consumer.stop()
        await admin.close()
