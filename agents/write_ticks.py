"""Time enters here: the worker that owns a raw partition writes a tick into it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from schemas.codecs import encode
from schemas.records import Tick
from streams.record_batches import Outbox, OutgoingRecord
from streams.stages import RunningStage
from streams.topics import MENTIONS_RAW
from streams.writing import write_outbox


async def write_ticks(running: RunningStage) -> None:
    """Writes one tick each interval into every partition that this worker owns, until cancelled."""
    interval = running.settings.tick_ms / 1000
    while True:
        now = running.clock()
        outbox = ticks_at(now, running.owned_partitions())
        if outbox and running.producer is not None:
            await write_outbox(running.producer, outbox)
        await asyncio.sleep(max(0.0, interval - (running.clock() - now)))


def ticks_at(now: float, partitions: set[int], topic: str = MENTIONS_RAW.name) -> Outbox:
    """One tick a partition. `now` is in seconds since 1970."""
    value = encode(Tick(at=datetime.fromtimestamp(now, UTC)))
    outbox = Outbox()
    for partition in sorted(partitions):
        outbox.to(topic, partition).append(OutgoingRecord(None, value, [], int(now * 1000)))
    return outbox
