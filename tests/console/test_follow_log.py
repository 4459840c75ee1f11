"""The log into the database as it grows, on a real Kafka: by one process, by two, and by one that is late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import Engine, update

from bench.whole_log import Written
from console.follow_log import GROUP, follow_log
from console.project_records import READ
from console.read_model import ReadModel
from console.same_log import AnotherLog
from console.tables import READ_TO
from console.write_rows import Overtaken
from streams.partitions import partition_of
from streams.progress import wait_until_drained
from streams.record_batches import Outbox, OutgoingRecord
from streams.writing import new_producer, write_outbox
from tests.console.story import Story, found, key, mention, public_reply, read_to, rows
from tests.product_topics import SETTINGS

pytestmark = pytest.mark.kafka
DRAINED_S = 60


def a_story(name: str, conversations: int) -> tuple[list[Written], set[str]]:
    """A log of some conversations, and their keys."""
    story = Story()
    threads = [f"{name}-{number}" for number in range(conversations)]
    for number, thread in enumerate(threads):
        story.mention(mention(thread, at=number), found(flags=("legal_threat",) if number % 3 else ()))
        story.answer("ann", thread)
        story.pass_time(number + 1)
        story.reply(public_reply(thread, number + 0.5))
    return story.records, {key(thread) for thread in threads}


async def write_log(kafka: str, records: Sequence[Written]) -> None:
    outbox, now = Outbox(), int(time.time() * 1000)  # as intake says: retention counts from then
    for record in records:
        if record.topic in READ and record.key is not None:
            partition = partition_of(record.key, SETTINGS.partitions)
            outbox.to(record.topic, partition).append(OutgoingRecord(record.key, record.value, [], now))
    producer = new_producer(kafka)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()


@asynccontextmanager
async def following(kafka: str, engine: Engine, said: list[str] | None = None) -> AsyncIterator[None]:
    """One projector, until the end of the block."""
    stop, started = asyncio.Event(), asyncio.Event()
    settings = SETTINGS.model_copy(update={"bootstrap": kafka})
    say: Callable[[str], None] = (said if said is not None else []).append

    async def until() -> None:
        await stop.wait()

    work = asyncio.create_task(follow_log(engine, settings, until, started.set, say))
    await started.wait()
    try:
        yield
    finally:
        stop.set()
        await work


async def all_written(kafka: str) -> None:
    async with asyncio.timeout(DRAINED_S):
        await wait_until_drained(kafka, [("project", GROUP, topic) for topic in READ])


def of(engine: Engine, conversations: set[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows about the conversations; without the offsets, which other tests move."""
    return {
        table: [{**row, "sequence": 0} for row in found if row.get("conversation") in conversations]
        for table, found in rows(engine).items()
    }


async def test_what_the_log_says_stands_in_the_rows(kafka: str, engine: Engine) -> None:
    records, conversations = a_story("told", 5)
    async with following(kafka, engine):
        await write_log(kafka, records)
        await all_written(kafka)
    written = of(engine, conversations)
    assert {row["state"] for row in written["replies"]} == {"handed_on"}
    assert len(written["conversations"]) == 5
    assert len([row for row in written["posts"] if row["direction"] == "in" and row["settled"]]) == 5
    more, _ = a_story("told-later", 1)
    await write_log(kafka, more)
    async with following(kafka, engine):
        await all_written(kafka)
    assert of(engine, conversations) == written
    assert len(of(engine, {key("told-later-0")})["conversations"]) == 1


async def test_two_at_once_that_come_and_go_write_everything_once(kafka: str, engine: Engine) -> None:
    parts = [a_story(f"both-{part}", 12) for part in range(4)]
    async with following(kafka, engine):
        await write_log(kafka, parts[0][0])
        async with following(kafka, engine):
            await write_log(kafka, parts[1][0])
            await asyncio.sleep(1)
            await write_log(kafka, parts[2][0])
        await write_log(kafka, parts[3][0])
        await all_written(kafka)
    conversations = {name for _, names in parts for name in names}
    assert {row["conversation"] for row in of(engine, conversations)["conversations"]} == conversations
    together, ends = of(engine, conversations), read_to(engine)
    with engine.begin() as connection:
        connection.execute(update(READ_TO).values(next_offset=0))
    async with following(kafka, engine), asyncio.timeout(DRAINED_S):
        while read_to(engine) != ends:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert of(engine, conversations) == together


async def test_records_that_were_deleted_before_they_were_read_are_told_of(kafka: str, engine: Engine) -> None:
    records, _ = a_story("deleted", 3)
    said: list[str] = []
    async with following(kafka, engine, said):
        await all_written(kafka)
        with engine.begin() as connection:  # as if it had stood still for long
            connection.execute(update(READ_TO).where(READ_TO.c.topic == "sla-events").values(next_offset=1))
        await delete_all(kafka, "sla-events")
        await write_log(kafka, records)
        async with asyncio.timeout(DRAINED_S):
            while not any("sla-events" in line and "deleted before they were read" in line for line in said):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await all_written(kafka)
    assert len(of(engine, {key(f"deleted-{number}") for number in range(3)})["timers"]) >= 3


async def delete_all(kafka: str, topic: str) -> None:
    """As retention does."""
    admin, consumer = AIOKafkaAdminClient(bootstrap_servers=kafka), AIOKafkaConsumer(bootstrap_servers=kafka)
    await asyncio.gather(admin.start(), consumer.start())
    try:
        tps = [TopicPartition(topic, number) for number in range(SETTINGS.partitions)]
        ends = await consumer.end_offsets(tps)
        await admin.delete_records({tp: RecordsToDelete(end) for tp, end in ends.items()})
    finally:
        await asyncio.gather(admin.close(), consumer.stop())


def test_whoever_lost_a_partition_without_noticing_writes_nothing_more(engine: Engine) -> None:
    records, conversations = a_story("zombie", 3)
    partitions = {(topic, 0) for topic in READ}
    zombie, owner = ReadModel(engine), ReadModel(engine)
    zombie.take_up(partitions)
    owner.take_up(partitions)
    by_partition = {(topic, 0): [one for one in records if one.topic == topic] for topic in READ}
    owner.take(by_partition)
    written, offsets = rows(engine), read_to(engine)
    with pytest.raises(Overtaken):
        zombie.take({partition: found[:1] for partition, found in by_partition.items() if found})
    assert (rows(engine), read_to(engine)) == (written, offsets)
    zombie.take_up(partitions)
    assert not zombie.take(by_partition)
    assert {row["conversation"] for row in rows(engine)["conversations"]} == conversations


def test_offsets_of_what_changes_nothing_wait_until_they_are_kept(engine: Engine) -> None:
    story = Story()
    model = ReadModel(engine)
    model.take_up({("mentions-raw", 0)})
    ticks = [record for record in story.records if record.topic == "mentions-raw"]
    assert not model.take({("mentions-raw", 0): ticks})
    assert read_to(engine) == {("mentions-raw", 0): 0}
    model.keep_offsets()
    assert read_to(engine) == {("mentions-raw", 0): len(ticks)}


def test_records_of_a_partition_that_was_given_up_are_left_alone(engine: Engine) -> None:
    records, _ = a_story("given-up", 1)
    model = ReadModel(engine)
    model.take_up({("mentions-raw", 0), ("sla-events", 0)})
    model.give_up([("mentions-raw", 0)])
    raw = [one for one in records if one.topic == "mentions-raw"]
    assert not model.take({("mentions-raw", 0): raw})
    model.keep_offsets()
    assert read_to(engine)[("mentions-raw", 0)] == 0


async def test_a_database_that_has_read_further_than_the_log_is_of_another_one(
    kafka: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[BaseException] = []

    async def instead(doing: str, work: Any) -> None:
        try:
            await work
        except Exception as error:
            ended.append(error)

    monkeypatch.setattr("console.follow_log.end_process_on_error", instead)
    with engine.begin() as connection:
        connection.execute(READ_TO.insert().values(topic="sla-events", partition=0, next_offset=10**9))
    async with following(kafka, engine):
        while not ended:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert isinstance(ended[0], AnotherLog)
    assert "sla-events-0 up to 1000000000, but the log ends at" in str(ended[0])
