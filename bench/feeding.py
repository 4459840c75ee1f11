"""Fills topics before a run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from aiokafka import AIOKafkaProducer

from bench.mention_variety import keyed, varied_mentions
from bench.work import SmallRecord, WorkName
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import MENTIONS_RAW, apply_topics
from streams.writing import new_producer, write_outbox

AT_ONCE = 20_000

KeyedValue = tuple[bytes, bytes]


async def fill(bootstrap: str, topic: str, partitions: int, records: Iterable[KeyedValue]) -> int:
    """Makes the topic and writes the records into it, partition after partition; gives their bytes, keys included."""
    await apply_topics(bootstrap, partitions=partitions, replication=1, topics=[replace(MENTIONS_RAW, name=topic)])
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        return await _write(producer, topic, partitions, iter(records))
    finally:
        await producer.stop()


async def _write(producer: AIOKafkaProducer, topic: str, partitions: int, records: Iterator[KeyedValue]) -> int:
    written = 0
    while some := list(islice(records, AT_ONCE)):
        outbox, now = Outbox(), int(time.time() * 1000)
        for number, (key, value) in enumerate(some):
            outbox.to(topic, number % partitions).append(OutgoingRecord(key, value, [], now))
            written += len(key) + len(value)
        await write_outbox(producer, outbox)
    return written


def records_of(work: WorkName, number: int) -> Iterator[KeyedValue]:
    """Input for the work."""
    return (_small(place) for place in range(number)) if work == "small" else _mentions(number)


def _small(place: int) -> KeyedValue:
    text = "it works again" if place % 2 else "the order has not arrived"
    return b"%d" % place, SmallRecord(id=f"{place:032x}", text=text).model_dump_json().encode()


def _mentions(number: int) -> Iterator[KeyedValue]:
    return map(keyed, islice(varied_mentions("bench"), number))
