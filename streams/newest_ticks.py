"""How late time is: the newest tick of each partition, and how long ticks take to get here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.codecs import UndecodableRecord, decode, start_of
from schemas.records import Tick
from streams.reading import POLL_MS, reader

TAIL_RECORDS = 1000
"""Of each partition. Where none of so many is a tick, none has come for long: live ones come four times a second."""
_TICK = start_of(Tick)


@dataclass
class TickTimes:
    """What was found on a topic; all in seconds."""

    looked_at: float
    """The end of the look, since 1970."""
    newest: dict[int, float | None]
    """The time of each partition's last tick, since 1970; None where there is none near its end."""
    delays: list[float] = field(default_factory=list)
    """Of ticks that came while we looked: from their own time to ours. Negative where their clock is ahead."""


async def newest_ticks(bootstrap: str, topic: str, clock: Callable[[], float], *, listen_s: float = 0.0) -> TickTimes:
    """Looks at the end of the topic; then waits up to `listen_s` for one more tick. `clock`: seconds since 1970."""
    async with reader(bootstrap, [topic], from_start=False) as consumer:
        tps = sorted(consumer.assignment())
        found = TickTimes(clock(), {tp.partition: None for tp in tps})
        begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        for tp in tps:
            consumer.seek(tp, max(begins[tp], ends[tp] - TAIL_RECORDS))
        await _read_to(consumer, ends, found)
        until = clock() + listen_s
        while not found.delays and clock() < until:
            polled = await consumer.getmany(timeout_ms=POLL_MS)
            now = clock()
            found.delays = [now - at for tp, records in polled.items() for at in _keep(tp, records, found)]
        found.looked_at = clock()
    return found


async def _read_to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], found: TickTimes) -> None:
    unread = set(ends)
    while unread := {tp for tp in unread if await consumer.position(tp) < ends[tp]}:
        for tp, records in (await consumer.getmany(*unread, timeout_ms=POLL_MS)).items():
            _keep(tp, records, found)


def _keep(tp: TopicPartition, records: Sequence[ConsumerRecord], found: TickTimes) -> list[float]:
    """The times of the ticks among the records; the last is the partition's newest."""
    ticks = [at for record in records if (at := _tick_time(record.value)) is not None]
    if ticks:
        found.newest[tp.partition] = ticks[-1]
    return ticks


def _tick_time(value: bytes | None) -> float | None:
    if value is not None and value.startswith(_TICK):
        with suppress(UndecodableRecord):
            record = decode(value)
            return record.at.timestamp() if isinstance(record, Tick) else None
    return None
