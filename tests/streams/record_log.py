"""Topics of a test's own, and what stands in them."""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from streams.partitions import partition_of
from streams.progress import wait_until_drained
from streams.reading import read_to_end
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import Topic, apply_topics
from streams.writing import new_producer, write_outbox

PARTITIONS = 4
PATIENCE_S = 90.0

Pairs = Iterable[tuple[bytes, bytes | None]]
"""Keys and values."""
Found = dict[int, list[ConsumerRecord]]
"""Records by partition, in order."""


def unique(name: str) -> str:
    """A name that no other test uses on the shared broker."""
    return f"{name}-{secrets.token_hex(4)}"


def new_topic(name: str, *, compacted: bool = False) -> Topic:
    return Topic(unique(name), "a word", (), "a test", None if compacted else 1)


async def make(bootstrap: str, *topics: Topic) -> None:
    await apply_topics(bootstrap, partitions=PARTITIONS, replication=1, topics=topics)


def numbered(numbers: Iterable[int], keys: int = 40) -> list[tuple[bytes, bytes]]:
    """Each number as a value, spread over so many keys."""
    return [(b"key-%d" % (number % keys), b"%d" % number) for number in numbers]


async def write(bootstrap: str, topic: Topic, pairs: Pairs, *, partitions: int = PARTITIONS) -> None:
    """Writes (key, value) pairs in order, and returns when the broker has them."""
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        await write_outbox(producer, _addressed(topic, pairs, partitions))
    finally:
        await producer.stop()


def _addressed(topic: Topic, pairs: Pairs, partitions: int = PARTITIONS) -> Outbox:
    outbox, now = Outbox(), int(time.time() * 1000)
    for key, value in pairs:
        outbox.to(topic.name, partition_of(key, partitions)).append(OutgoingRecord(key, value, [], now))
    return outbox


class Feed:
    """Writes the numbers 0, 1, 2, ... at a steady pace for as long as its block runs."""

    def __init__(self, bootstrap: str, topic: Topic, per_second: int) -> None:
        self._bootstrap, self._topic, self._per_second = bootstrap, topic, per_second
        self._stopping = False
        self.written = 0
        """Numbers below this one are in the log."""

    async def __aenter__(self) -> "Feed":
        self._producer = new_producer(self._bootstrap)
        await self._producer.start()
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
            await self._write_next(self._producer, min(due, self.written + 2000))
            await asyncio.sleep(0.02)

    async def _write_next(self, producer: AIOKafkaProducer, end: int) -> None:
        await write_outbox(producer, _addressed(self._topic, numbered(range(self.written, end))))
        self.written = end


async def read(bootstrap: str, topic: Topic) -> Found:
    """All that a consumer sees which reads committed."""
    found: Found = defaultdict(list, {partition: [] for partition in range(PARTITIONS)})
    async with asyncio.timeout(PATIENCE_S):
        async for record in read_to_end(bootstrap, [topic.name]):
            found[record.partition].append(record)
    return found


def values(found: Found) -> dict[int, list[bytes]]:
    return {partition: [record.value for record in records] for partition, records in found.items()}


def numbers(found: Found) -> list[int]:
    """All numbers, sorted."""
    return sorted(int(record.value) for records in found.values() for record in records)


def numbers_by_key(found: Found) -> dict[bytes, list[int]]:
    """The numbers of each key as they stand in the log, repeats left out."""
    keyed: defaultdict[bytes, dict[int, None]] = defaultdict(dict)
    for records in found.values():
        for record in records:
            keyed[record.key][int(record.value)] = None
    return {key: list(found) for key, found in keyed.items()}


async def size(bootstrap: str, topic: Topic, partitions: int = PARTITIONS) -> int:
    """Offsets of the topic: also those of hidden records and of Kafka's own markers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, partition) for partition in range(partitions)]
        return sum((await consumer.end_offsets(tps)).values())
    finally:
        await consumer.stop()


async def committed(bootstrap: str, stage: str, topic: Topic) -> dict[int, int]:
    """The stage's committed offset by partition, 0 where there is none."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=f"tenfour-{stage}", enable_auto_commit=False)
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, partition) for partition in range(PARTITIONS)]
        consumer.assign(tps)
        return {tp.partition: await consumer.committed(tp) or 0 for tp in tps}
    finally:
        await consumer.stop()


async def drained(bootstrap: str, stage: str, source: Topic) -> None:
    """Returns when the stage's group has committed all that stands in its source."""
    async with asyncio.timeout(PATIENCE_S):
        await wait_until_drained(bootstrap, [(stage, f"tenfour-{stage}", source.name)])


async def joined(bootstrap: str, stage: str, members: int) -> None:
    """Returns when the stage's group has so many members, and each its partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()

    async def is_settled() -> bool:
        try:
            (answer,) = await admin.describe_consumer_groups([f"tenfour-{stage}"])
        except GroupCoordinatorNotAvailableError:  # the first group of a new broker
            return False
        _, _, state, _, _, inside, *_ = answer.groups[0]
        return state == "Stable" and len(inside) == members

    try:
        await until(is_settled, f"{members} workers of {stage}")
    finally:
        await admin.close()


async def grows(bootstrap: str, topic: Topic, by: int = 1) -> None:
    """Returns when the topic has so many more offsets than now."""
    await holds(bootstrap, topic, await size(bootstrap, topic) + by)


async def holds(bootstrap: str, topic: Topic, offsets: int, *, partitions: int = PARTITIONS) -> None:
    """Returns when the topic has so many offsets."""

    async def is_so_long() -> bool:
        return await size(bootstrap, topic, partitions) >= offsets

    await until(is_so_long, f"{offsets} offsets in {topic.name}")


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        await asyncio.sleep(0.1)
