"""Writes a recorded file into `mentions-raw`, with the replay's own ticks, as slow or fast as asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

from aiokafka import AIOKafkaProducer

from domain.policy import Policy
from gateway.raw_topic import log_time
from gateway.replay_file import ReplayError
from gateway.replay_schedule import LONGEST_SILENCE, Scheduled, paced, schedule
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.records import Mention, PublicReply
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import MENTIONS_RAW, require_topics
from streams.writing import open_producer, write_outbox

SOURCE: Final = "/tenfour/replay"
WRITE_RECORDS: Final = 2000
"""Most records of one write, all partitions together."""
WRITE_S: Final = 60.0
"""Seconds that the broker has for one write."""

Progress = Callable[[int, int], None]
"""Called with (posts written, posts in all)."""


@dataclass(frozen=True)
class ReplayTotals:
    """What a replay wrote."""

    mentions: int
    replies: int
    ticks: int


async def replay(
    posts: Sequence[Mention | PublicReply],
    settings: Settings,
    *,
    last_deadline_after: timedelta,
    speed: float | None,
    clock: Callable[[], float],
    longest_wait_s: float = inf,
    progress: Progress = lambda done, total: None,  # noqa: ARG005
) -> ReplayTotals:
    """Writes the posts, and ticks until `last_deadline_after` past the last one, into a log of an earlier time.

    `speed`: seconds of event time a second; None is as fast as it goes. `longest_wait_s`: most seconds between posts.
    `clock`, in seconds since 1970, dates the records for the broker, which would soon drop what seems older than its
    retention. Raises ReplayError where the log's time is past the first post, or the broker takes nothing; TopicError,
    WriteFailed.
    """
    await require_topics(settings.bootstrap, partitions=settings.partitions, topics=[MENTIONS_RAW])
    await refuse_passed_time(settings.bootstrap, min(post.posted_at for post in posts))
    partitions = settings.partitions
    scheduled = schedule(
        posts,
        partitions=partitions,
        partition_of=lambda key: partition_of(key, partitions),
        last_deadline_after=last_deadline_after,
    )
    async with open_producer(settings.bootstrap) as producer:
        writer = _ReplayWriter(producer, clock, lambda done: progress(done, len(posts)))
        for due, item in paced(scheduled, speed, longest_wait_s):
            await writer.write(due, item)
        await writer.finish()
    return writer.totals()


def span_after_last_post(policy: Policy) -> timedelta:
    """How long ticks go on after the last post: past the longest target, and an hour."""
    return policy.longest_wait() + LONGEST_SILENCE


async def refuse_passed_time(bootstrap: str, first: datetime) -> None:
    """Raises ReplayError where the log's time is past `first`: another clock would judge its deadlines."""
    now = await log_time(bootstrap)
    if now is not None and now > first:
        raise ReplayError(
            f"the log's time is {now:%Y-%m-%d %H:%M:%SZ} already, past the file's first record of "
            f"{first:%Y-%m-%d %H:%M:%SZ}; replay into a fresh folder: set TENFOUR_DATA to one, and "
            "TENFOUR_TICKS=replay for the stages"
        )


class _ReplayWriter:
    """Writes items when they are due, in order; encodes the next while the broker takes the last."""

    def __init__(self, producer: AIOKafkaProducer, clock: Callable[[], float], progress: Callable[[int], None]) -> None:
        self._producer, self._clock, self._progress = producer, clock, progress
        self._started = asyncio.get_running_loop().time()
        self._outbox, self._pending = Outbox(), 0
        self._writing: asyncio.Task[None] | None = None
        self._counts = Counter[str]()
        self._posts_sent = 0

    async def write(self, due: float, item: Scheduled) -> None:
        """Takes an item that is due so many seconds after the start; those before it are written by then."""
        if due > 0:
            await self._wait_until(due)
        self._add(item)
        if self._pending >= WRITE_RECORDS:
            await self._start_writing()

    async def finish(self) -> None:
        """Returns when the broker has all items taken so far."""
        await self._start_writing()
        await self._written()

    def totals(self) -> ReplayTotals:
        return ReplayTotals(self._counts["mention"], self._counts["public_reply"], self._counts["tick"])

    async def _wait_until(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        if due > loop.time() - self._started and self._pending:
            await self.finish()
        if (wait := self._started + due - loop.time()) > 0:
            await asyncio.sleep(wait)

    def _add(self, item: Scheduled) -> None:
        record = item.record
        outgoing = OutgoingRecord(item.key, encode(record), headers_of(record, SOURCE), int(self._clock() * 1000))
        self._outbox.to(MENTIONS_RAW.name, item.partition).append(outgoing)
        self._counts[record.record] += 1
        self._pending += 1

    async def _start_writing(self) -> None:
        outbox, self._outbox, self._pending = self._outbox, Outbox(), 0
        await self._written()
        self._writing = asyncio.create_task(_write(self._producer, outbox))
        self._posts_sent = self._counts["mention"] + self._counts["public_reply"]

    async def _written(self) -> None:
        if self._writing is not None:
            await self._writing
            self._progress(self._posts_sent)


async def _write(producer: AIOKafkaProducer, outbox: Outbox) -> None:
    try:
        async with asyncio.timeout(WRITE_S):
            await write_outbox(producer, outbox)
    except TimeoutError:
        raise ReplayError(f"Kafka took no record for {WRITE_S:.0f} s; see to it, and start afresh") from None
