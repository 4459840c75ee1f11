"""Time enters here: the worker that owns a raw partition writes a tick into it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from agents.watch_ticks import late_ticks
from schemas.codecs import encode
from schemas.records import Tick
from streams.record_batches import Outbox, OutgoingRecord
from streams.stages import RunningStage
from streams.topics import MENTIONS_RAW
from streams.writing import write_outbox


class TickWriter:
    """Writes one tick each interval into every partition that this worker owns."""

    def __init__(self) -> None:
        self._written: dict[int, float] = {}

    async def write(self, running: RunningStage) -> None:
        """Until cancelled."""
        interval = running.settings.tick_ms / 1000
        while True:
            now, owned = running.clock(), running.owned_partitions()
            outbox = ticks_at(now, owned)
            if outbox and running.producer is not None:
                await write_outbox(running.producer, outbox)
                self._written = dict.fromkeys(owned, now)
            await asyncio.sleep(max(0.0, interval - (running.clock() - now)))

    def problem(self, running: RunningStage) -> str | None:
        """Why time does not go on where this worker has to write it."""
        return late_ticks(self._written, running.owned_partitions(), running.clock())


def ticks_at(now: float, partitions: set[int], topic: str = MENTIONS_RAW.name) -> Outbox:
    """One tick a partition. `now` is in seconds since 1970."""
    value = encode(Tick(at=datetime.fromtimestamp(now, UTC)))
    outbox = Outbox()
    for partition in sorted(partitions):
        outbox.to(topic, partition).append(OutgoingRecord(None, value, [], int(now * 1000)))
    return outbox
