"""How far the stages have come: committed offsets against the ends of their topics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError

from streams.topics import partition_counts

POLL_S = 0.2
LOOK_MS = 200
LOOK_BYTES = 16 * 1024
"""Of a partition: what is looked for is whether there is a record at all."""


@dataclass(frozen=True)
class StageLag:
    """Records of a stage's source topic that its group has not committed yet. Offsets that are no records, such as the
    ends of transactions, count only while there are records among them."""

    stage: str
    topic: str
    by_partition: dict[int, int]

    @property
    def records(self) -> int:
        return sum(self.by_partition.values())


async def stage_lags(bootstrap: str, stages: Sequence[tuple[str, str, str]]) -> list[StageLag]:
    """The lag of each stage, given as (stage, group, source topic)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=LOOK_BYTES,
    )
    await asyncio.gather(admin.start(), consumer.start())
    try:
        counts = await partition_counts(bootstrap)
        return [await _lag(admin, consumer, *stage, counts[stage[2]]) for stage in stages]
    finally:
        await asyncio.gather(admin.close(), consumer.stop())


async def _lag(
    admin: AIOKafkaAdminClient,
    consumer: AIOKafkaConsumer,
    stage: str,
    group: str,
    topic: str,
    partitions: int,
) -> StageLag:
    tps = [TopicPartition(topic, partition) for partition in range(partitions)]
    ends = await consumer.end_offsets(tps)
    starts = await consumer.beginning_offsets(tps)
    committed = await committed_by(admin, group, tps)
    done = {tp: max(committed.get(tp, 0), starts[tp]) for tp in tps}
    behind = {tp: offset for tp, offset in done.items() if offset < ends[tp]}
    with_records = await _with_records(consumer, behind, ends)
    return StageLag(stage, topic, {tp.partition: ends[tp] - done[tp] if tp in with_records else 0 for tp in tps})


async def _with_records(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> set[TopicPartition]:
    """The partitions that have a committed record between start and end."""
    consumer.assign(list(starts))
    for tp, offset in starts.items():
        consumer.seek(tp, offset)
    found: set[TopicPartition] = set()
    unknown = set(starts)
    while unknown:
        found |= (await consumer.getmany(*unknown, timeout_ms=LOOK_MS, max_records=len(unknown))).keys()
        unknown = {tp for tp in unknown - found if await consumer.position(tp) < ends[tp]}
    return found


async def committed_by(admin: AIOKafkaAdminClient, group: str, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    """What a consumer group has committed; partitions without a commit are left out."""
    try:
        offsets = await admin.list_consumer_group_offsets(group, partitions=tps)
    except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
        return {}  # no group has committed in this cluster yet, or its coordinator is moving
    return {tp: found.offset for tp, found in offsets.items() if found.offset >= 0}


async def committed_offsets(bootstrap: str, group: str, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    """What a consumer group has committed; partitions without a commit are left out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return await committed_by(admin, group, tps)
    finally:
        await admin.close()


async def wait_until_drained(
    bootstrap: str,
    stages: Sequence[tuple[str, str, str]],
    on_progress: Callable[[list[StageLag]], None] = lambda _lags: None,
) -> None:
    """Returns when the stages, in the pipeline's order, have committed all that stands on their topics. A stage
    commits after its writes, so an empty lag read in order means that nothing is on its way."""
    for stage in stages:
        while True:
            lags = await stage_lags(bootstrap, [stage])
            on_progress(lags)
            if not lags[0].records:
                break
            await asyncio.sleep(POLL_S)
