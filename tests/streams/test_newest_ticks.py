"""How late time is, as the log shows it."""

from __future__ import annotations

import asyncio

import pytest

from agents.write_ticks import ticks_at
from streams.newest_ticks import TAIL_RECORDS, newest_ticks
from streams.topics import Topic
from streams.writing import open_producer, write_outbox
from tests.streams.record_log import PARTITIONS, make, new_topic, numbered, write

pytestmark = pytest.mark.kafka
NOW = 1_700_000_000.0


@pytest.fixture
async def topic(bootstrap: str) -> Topic:
    topic = new_topic("ticking")
    await make(bootstrap, topic)
    return topic


async def tick(bootstrap: str, topic: Topic, at: float, *partitions: int) -> None:
    async with open_producer(bootstrap) as producer:
        await write_outbox(producer, ticks_at(at, set(partitions), topic.name))


async def test_the_last_tick_of_each_partition_is_found_behind_other_records(bootstrap: str, topic: Topic) -> None:
    await tick(bootstrap, topic, NOW - 9, 0, 1)
    await tick(bootstrap, topic, NOW - 5, 0)
    await write(bootstrap, topic, numbered(range(200)))
    found = await newest_ticks(bootstrap, topic.name, lambda: NOW)
    assert found.newest == {0: NOW - 5, 1: NOW - 9, 2: None, 3: None}
    assert (found.looked_at, found.delays) == (NOW, [])


async def test_a_tick_far_behind_the_end_is_no_newest_one(bootstrap: str, topic: Topic) -> None:
    await tick(bootstrap, topic, NOW, *range(PARTITIONS))
    await write(bootstrap, topic, [(b"same key", b"1")] * (TAIL_RECORDS + 1))
    found = await newest_ticks(bootstrap, topic.name, lambda: NOW)
    assert sorted(found.newest.values(), key=str) == [NOW] * (PARTITIONS - 1) + [None]


async def test_a_tick_that_comes_meanwhile_tells_the_difference_of_the_clocks(bootstrap: str, topic: Topic) -> None:
    looks = iter([NOW, NOW])  # then time stands still until the tick is here
    listening = asyncio.Event()

    def clock() -> float:
        if next(looks, None) is None:
            listening.set()
        return NOW

    look = asyncio.create_task(newest_ticks(bootstrap, topic.name, clock, listen_s=1.0))
    await listening.wait()
    await tick(bootstrap, topic, NOW - 3, 2)
    found = await look
    assert found.delays == [3.0]
    assert found.newest[2] == NOW - 3
