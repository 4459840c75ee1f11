"""Topics of a test's own, and what stands in them."""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from streams.partitions import partition_of
from streams.progress import wait_until_drained
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import Topic, apply_topics
from streams.writing import new_producer, write_outbox

PARTITIONS = 4
PATIENCE_S = 60.0


def unique(name: str) -> str:
    """A name that no other test uses on the shared broker."""
    return f"{name}-{secrets.token_hex(4)}"


def new_topic(name: str, *, compacted: bool = False) -> Topic:
    return Topic(unique(name), "a word", (), "a test", None if compacted else 1)


async def make(bootstrap: str, *topics: Topic) -> None:
    await apply_topics(bootstrap, partitions=PARTITIONS, replication=1, topics=topics)


def by_partition(pairs: Iterable[tuple[bytes, bytes]]) -> Outbox:
    """The (key, value) pairs, addressed by their keys."""
    outbox = Outbox()
    for key, value in pairs:
        to = outbox.to("", partition_of(key, PARTITIONS))
        to.append(OutgoingRecord(key, value, [], int(time.time() * 1000)))
    return outbox


async def write(bootstrap: str, topic: Topic, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Writes (key, value) pairs in order and returns when the broker has them."""
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        await _write(producer, topic, pairs)
    finally:
        await producer.stop()


async def _write(producer: AIOKafkaProducer, topic: Topic, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    addressed, outbox = by_partition(pairs), Outbox()
    for (_, partition), records in addressed.groups.items():
        outbox.groups[topic.name, partition] = records
    await write_outbox(producer, outbox)


def numbered(numbers: Iterable[int], keys: int = 40) -> list[tuple[bytes, bytes]]:
    """Each number as a value, spread over so many keys."""
    return [(b"key-%d" % (number % keys), b"%d" % number) for number in numbers]


class Feed:
    """Writes the numbers 0, 1, 2, ... at a steady pace for as long as its block runs."""

    def __init__(self, bootstrap: str, topic: Topic, per_second: int) -> None:
        self._producer_of = lambda: new_producer(bootstrap)
        self._topic, self._per_second = topic, per_second
        self.written = 0
        """Numbers below this one are in the log."""

    async def __aenter__(self) -> "Feed":
        self._producer = self._producer_of()
        await self._producer.start()
        self._stopping = False
        self._task = asyncio.create_task(self._write())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        await self._task
        await self._producer.stop()

    async def _write(self) -> None:
        started = time.monotonic()
        while not self._stopping:
            due = int((time.monotonic() - started) * self._per_second)
            if due > self.written:
                until = min(due, self.written + 2000)
                await _write(self._producer, self._topic, numbered(range(self.written, until)))
                self.written = until
            await asyncio.sleep(0.02)


async def read(bootstrap: str, topic: Topic, *, committed: bool = True) -> dict[int, list[ConsumerRecord]]:
    """All records by partition, in order; with `committed` only those that a consumer which reads committed sees."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, partition) for partition in range(PARTITIONS)]
        consumer.assign(tps)
        return await _read_to_end(consumer, tps)
    finally:
        await consumer.stop()


async def _read_to_end(consumer: AIOKafkaConsumer, tps: list[TopicPartition]) -> dict[int, list[ConsumerRecord]]:
    found: dict[int, list[ConsumerRecord]] = {tp.partition: [] for tp in tps}
    ends = await consumer.end_offsets(tps)
    await consumer.seek_to_beginning(*tps)
    async with asyncio.timeout(PATIENCE_S):
        while [tp for tp in tps if await consumer.position(tp) < ends[tp]]:
            for tp, records in (await consumer.getmany(timeout_ms=100)).items():
                found[tp.partition].extend(records)
    return found


def values(found: dict[int, list[ConsumerRecord]]) -> list[bytes]:
    return [record.value for records in found.values() for record in records]


def numbers(found: dict[int, list[ConsumerRecord]]) -> list[int]:
    return [int(value) for value in values(found)]


def numbers_by_key(found: dict[int, list[ConsumerRecord]]) -> dict[bytes, list[int]]:
    """The numbers of each key, in the order in which they stand in the log."""
    keyed = defaultdict(list)
    for records in found.values():
        for record in records:
            keyed[record.key].append(int(record.value))
    return dict(keyed)


async def until(condition: Callable[[], Awaitable[bool]], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        await asyncio.sleep(0.1)


async def drained(bootstrap: str, stage: str, source: Topic, patience_s: float = PATIENCE_S) -> None:
    """Returns when the stage's group has committed all that stands in its source."""
    async with asyncio.timeout(patience_s):
        await wait_until_drained(bootstrap, [(stage, f"tenfour-{stage}", source.name)])


async def count(bootstrap: str, topic: Topic) -> int:
    """Offsets of the topic, control records included."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, partition) for partition in range(PARTITIONS)]
        return sum((await consumer.end_offsets(tps)).values())
    finally:
        await consumer.stop()


async def committed_offsets(bootstrap: str, stage: str, topic: Topic) -> dict[int, int]:
    """The stage's committed offset by partition, 0 where there is none."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=f"tenfour-{stage}", enable_auto_commit=False)
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, partition) for partition in range(PARTITIONS)]
        consumer.assign(tps)
        return {tp.partition: await consumer.committed(tp) or 0 for tp in tps}
    finally:
        await consumer.stop()
