"""How far the stages have come: committed offsets against the ends of their topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError

from streams.topics import partition_counts

Source = tuple[str, str, str]
"""Stage, consumer group, source topic."""

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
    done: int = 0
    """Offsets that the group has committed, all partitions together: the difference of two looks tells its pace."""
    oldest_s: float | None = None
    """Age of the oldest record that is not committed, by its timestamp, in seconds; None without lag."""

    @property
    def records(self) -> int:
        return sum(self.by_partition.values())


async def stage_lags(
    bootstrap: str, stages: Sequence[Source], clock: Callable[[], float] = time.time
) -> list[StageLag]:
    """The lag of each stage, given as (stage, group, source topic). `clock`: seconds since 1970."""
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
        tps = {topic: [TopicPartition(topic, number) for number in range(counts[topic])] for _, _, topic in stages}
        return await _lags(admin, consumer, stages, tps, clock)
    finally:
        await asyncio.gather(admin.close(), consumer.stop())


async def _lags(
    admin: AIOKafkaAdminClient,
    consumer: AIOKafkaConsumer,
    stages: Sequence[Source],
    tps: dict[str, list[TopicPartition]],
    clock: Callable[[], float],
) -> list[StageLag]:
    every = [tp for of_topic in tps.values() for tp in of_topic]
    ends, starts = await consumer.end_offsets(every), await consumer.beginning_offsets(every)
    found = []
    for together in _apart(stages):
        done = [await _done(admin, group, tps[topic], starts) for _, group, topic in together]
        behind = {tp: offset for of_stage in done for tp, offset in of_stage.items() if offset < ends[tp]}
        oldest = await _oldest_records(consumer, behind, ends)
        now = clock()
        found += [_lag(source, of_stage, ends, oldest, now) for source, of_stage in zip(together, done, strict=True)]
    places = {(lag.stage, lag.topic): lag for lag in found}
    return [places[stage, topic] for stage, _, topic in stages]


def _apart(stages: Sequence[Source]) -> list[list[Source]]:
    """Such that no topic is read twice at once, from two groups' offsets."""
    rounds: list[list[Source]] = []
    for source in stages:
        free = [known for known in rounds if source[2] not in {topic for _, _, topic in known}]
        if free:
            free[0].append(source)
        else:
            rounds.append([source])
    return rounds


async def _done(
    admin: AIOKafkaAdminClient, group: str, tps: list[TopicPartition], starts: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Up to where a group has come; what was deleted counts as done."""
    committed = await committed_by(admin, group, tps)
    return {tp: max(committed.get(tp, 0), starts[tp]) for tp in tps}


def _lag(
    source: Source,
    done: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
    oldest: dict[TopicPartition, int],
    now: float,
) -> StageLag:
    by_partition = {tp.partition: ends[tp] - offset if tp in oldest else 0 for tp, offset in done.items()}
    first = min((timestamp for tp, timestamp in oldest.items() if tp in done), default=None)
    age = None if first is None else max(0.0, now - first / 1000)
    return StageLag(source[0], source[2], by_partition, sum(done.values()), age)


async def _oldest_records(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """The timestamp, in ms, of the first committed record between start and end; without the partitions that have
    none."""
    consumer.assign(list(starts))
    for tp, offset in starts.items():
        consumer.seek(tp, offset)
    found: dict[TopicPartition, int] = {}
    unknown = set(starts)
    while unknown:
        polled = await consumer.getmany(*unknown, timeout_ms=LOOK_MS, max_records=len(unknown))
        found |= {tp: records[0].timestamp for tp, records in polled.items()}
        unknown = {tp for tp in unknown - found.keys() if await consumer.position(tp) < ends[tp]}
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
    stages: Sequence[Source],
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
