"""Breaches as a consumer sees them that reads committed records."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from bench.timers import is_of
from bench.watching import Stuck
from schemas.codecs import decode
from schemas.records import SlaEvent
from streams.reading import read_to_end, reader
from streams.topics import SLA_EVENTS

_BREACHED: Final = b'"kind":"breached"'


@dataclass
class Breaches:
    """Breaches seen of one run's timers: ms after the due time, by the event's id, and repeats."""

    run: str
    delays: dict[str, float] = field(default_factory=dict)
    repeated: int = 0
    _wanted: list[tuple[float, asyncio.Future[float]]] = field(default_factory=list)

    def add(self, value: bytes, now: float) -> None:
        """A record of `sla-events`, seen at `now`, in seconds since 1970."""
        if _BREACHED not in value:
            return
        event = decode(value)
        if isinstance(event, SlaEvent) and is_of(self.run, event.conversation):
            due = event.due_at.timestamp()
            self.repeated += event.id in self.delays
            self.delays.setdefault(event.id, (now - due) * 1000)
            self._tell(due, now)

    async def first_due_after(self, moment: float, timeout_s: float) -> float:
        """When the next breach of a timer is seen that fell due after the moment, in seconds since 1970. Raises
        Stuck."""
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._wanted.append((moment, found))
        try:
            return await asyncio.wait_for(found, timeout_s)
        except TimeoutError:
            raise Stuck(f"no verdict for {timeout_s:.0f} s") from None

    async def until_seen(self, number: int, timeout_s: float) -> None:
        """Raises Stuck."""
        deadline = time.monotonic() + timeout_s
        while len(self.delays) < number:
            if time.monotonic() > deadline:
                raise Stuck(f"{len(self.delays)} of {number} breaches seen")
            await asyncio.sleep(0.2)

    async def watch(self, bootstrap: str) -> None:
        """Takes in `sla-events` from its end on, until cancelled."""
        async with reader(bootstrap, [SLA_EVENTS.name], from_start=False) as consumer:
            while True:
                fetched = await consumer.getmany(timeout_ms=200)
                now = time.time()
                for records in fetched.values():
                    for record in records:
                        self.add(record.value, now)

    def _tell(self, due: float, now: float) -> None:
        for moment, found in self._wanted:
            if due > moment and not found.done():
                found.set_result(now)
        self._wanted = [(moment, found) for moment, found in self._wanted if not found.done()]


async def count_events(bootstrap: str) -> tuple[int, int]:
    """Committed events on `sla-events`, and how many of them have an id that came before."""
    ids, events = set[bytes](), 0
    async for record in read_to_end(bootstrap, [SLA_EVENTS.name]):
        ids.add(dict(record.headers)["ce_id"])
        events += 1
    return events, events - len(ids)
