"""One writer at a time: who comes later fences who came before."""

import asyncio
import time

import pytest

from streams.fenced_log import FencedLog
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import Topic
from streams.writing import WriteFailed
from tests.streams.record_log import make, new_topic, read, size, unique, until

pytestmark = pytest.mark.kafka


def said(topic: Topic, *values: bytes) -> Outbox:
    outbox = Outbox()
    outbox.to(topic.name, 0).extend([OutgoingRecord(b"key", value, [], 0) for value in values])
    return outbox


def log(bootstrap: str, id_: str) -> FencedLog:
    return FencedLog(bootstrap, id_, transaction_timeout_s=15, write_s=30)


async def test_a_write_is_there_when_it_returns_and_says_since_when_nobody_else_can_have_written(
    bootstrap: str,
) -> None:
    topic = new_topic("log")
    await make(bootstrap, topic)
    writer = log(bootstrap, unique("writer"))
    await writer.start()
    before = time.monotonic()
    assert before <= await writer.write(said(topic, b"1", b"2")) <= time.monotonic()

    async def is_there() -> bool:
        return [record.value for record in (await read(bootstrap, topic))[0]] == [b"1", b"2"]

    await until(is_there, "readers of committed records see it")  # the broker's marker comes behind its answer
    await writer.stop()


async def test_writes_that_come_together_share_a_transaction(bootstrap: str) -> None:
    topic = new_topic("log")
    await make(bootstrap, topic)
    writer = log(bootstrap, unique("writer"))
    await writer.start()
    await asyncio.gather(*(writer.write(said(topic, b"%d" % number)) for number in range(100)))
    await writer.stop()
    assert len((await read(bootstrap, topic))[0]) == 100
    assert await size(bootstrap, topic) < 110  # each transaction has an end of its own


async def test_a_writer_that_was_replaced_writes_nothing_any_more(bootstrap: str) -> None:
    topic, id_ = new_topic("log"), unique("writer")
    await make(bootstrap, topic)
    zombie, successor = log(bootstrap, id_), log(bootstrap, id_)
    await zombie.start()
    await zombie.write(said(topic, b"before"))
    await successor.start()
    with pytest.raises(WriteFailed, match="ProducerFenced"):
        await zombie.write(said(topic, b"too late"))
    await successor.write(said(topic, b"after"))
    assert [record.value for record in (await read(bootstrap, topic))[0]] == [b"before", b"after"]
    await zombie.stop()
    await successor.stop()
