"""For the writers of `mentions-raw`: the time that it has reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codecs import UndecodableRecord, decode
from schemas.records import Tick
from streams.reading import POLL_MS, POLL_RECORDS, reader
from streams.topics import MENTIONS_RAW

FIRST_LOOK_RECORDS: Final = 200
"""Ticks are dense: mostly so few records from the end hold one. Where they don't, eight times as many are read."""


async def log_time(bootstrap: str) -> datetime | None:
    """The latest of the partitions' last ticks in `mentions-raw`; None where no tick stands there."""
    async with reader(bootstrap, [MENTIONS_RAW.name], from_start=False) as consumer:
        tps = list(consumer.assignment())
        starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        last: dict[TopicPartition, datetime] = {}
        back = FIRST_LOOK_RECORDS
        while unseen := {tp: ends[tp] for tp in tps if tp not in last and starts[tp] < ends[tp]}:
            for tp, end in unseen.items():
                consumer.seek(tp, max(starts[tp], end - back))
            last |= await _last_ticks(consumer, unseen)
            # What was looked through needs no second look.
            ends.update({tp: max(starts[tp], end - back) for tp, end in unseen.items()})
            back *= 8
    return max(last.values(), default=None)


async def _last_ticks(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, datetime]:
    """The last tick of each partition between the consumer's position and the end given."""
    found: dict[TopicPartition, datetime] = {}
    unread = dict(ends)
    while unread:
        fetched = await consumer.getmany(*unread, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        for tp, records in fetched.items():
            for record in records:
                time = _tick_time(record.value) if record.key is None and record.offset < ends[tp] else None
                found |= {tp: time} if time is not None else {}
        unread = {tp: end for tp, end in unread.items() if await consumer.position(tp) < end}
    return found


def _tick_time(value: bytes | None) -> datetime | None:
    try:
        record = decode(value)
    except UndecodableRecord:
        return None
    return record.at if isinstance(record, Tick) else None
