"""The log into the read model, as it grows: a consumer group of its own, whose offsets are in the database.

A batch's rows and its offsets are one transaction, and a batch is written only by whoever has read to exactly where
the database is: after a crash nothing is missing and nothing is twice, and of two processes that both believe that a
partition is theirs one comes too late and reads again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from sqlalchemy import Engine

from console.project_records import READ
from console.read_model import ReadModel
from console.row_changes import Changes
from console.same_log import require_same_log
from console.sql_threads import is_there
from console.watch_desk import watch_desk
from console.write_rows import Overtaken
from streams.broker_probe import broker_problem
from streams.failure import end_process_on_error
from streams.health import Health
from streams.metrics import (
    BATCH_RECORDS,
    BATCH_SECONDS,
    EVENTS,
    LAG_RECORDS,
    LAG_SECONDS,
    PROJECTED_ROWS,
    PROJECTION_LEFT_OUT,
    STAGE_DELAY,
)
from streams.probes import observed
from streams.reading import GATHERED
from streams.settings import Settings

STAGE: Final = "project"
GROUP: Final = f"tenfour-{STAGE}"
POLL_MS: Final = 200
POLL_RECORDS: Final = 5000
PAUSE_S: Final = 0.05
"""Between two transactions at least, unless they are large: what comes meanwhile shares the next."""
LARGE: Final = 500
"""Records that wait for no others."""
KEEP_EVERY_S: Final = 1.0
"""Between two writes of offsets alone, where the log holds nothing but time."""
STALLED_S: Final = 30.0
"""Without a look at the log for so long it stands still."""

Say = Callable[[str], None]
Polled = dict[TopicPartition, list[ConsumerRecord]]


async def follow_log(
    engine: Engine, settings: Settings, until: Callable[[], Awaitable[None]], on_started: Callable[[], None], say: Say
) -> None:
    """Returns after `until` has. What can't go on ends the process. `say` is told what an operator should know."""
    consumer = new_consumer(settings)
    follower = _Follower(consumer, ReadModel(engine), say)
    consumer.subscribe(list(READ), listener=follower)
    health = Health()
    health.expect(STAGE, partial(_problem, follower, engine, settings.bootstrap))
    beside: list[asyncio.Task[None]] = []
    async with observed(settings, health):
        try:
            await consumer.start()
            beside.append(asyncio.create_task(end_process_on_error("looking at the desk", watch_desk(engine))))
            working = asyncio.create_task(end_process_on_error("writing the read model", follower.work()))
            beside.append(working)
            health.started()
            on_started()
            await until()
            health.stopping()
            follower.stopping = True
            await working
        finally:
            for task in beside:
                task.cancel()
            await consumer.stop()


async def _problem(follower: _Follower, engine: Engine, bootstrap: str) -> str | None:
    def look() -> None:
        with engine.connect() as connection:
            is_there(connection)

    await asyncio.to_thread(look)
    return await broker_problem(bootstrap) or follower.problem()


def new_consumer(settings: Settings) -> AIOKafkaConsumer:
    """Not started. Partitions go to processes by their number, whatever the topic: who has a conversation's messages
    has its verdicts too."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=GROUP,
        isolation_level="read_committed",
        auto_offset_reset="none",  # what was deleted before it was read is told, and not passed over in silence
        enable_auto_commit=False,
        **GATHERED,
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=int(settings.session_timeout_s * 1000 / 3),
        partition_assignment_strategy=(RangePartitionAssignor,),
    )


class _Follower(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer and one read model."""

    def __init__(self, consumer: AIOKafkaConsumer, model: ReadModel, say: Say) -> None:
        self._consumer, self._model, self._say = consumer, model, say
        self._busy = asyncio.Lock()
        self._times_taken_up = 0
        self._kept = 0.0
        self._looked = time.monotonic()
        self._newest: dict[int, float] = {}
        """By partition, the time of the last record that was written; seconds since 1970."""
        self.stopping = False

    def problem(self) -> str | None:
        """Why it does not do its work."""
        if not self._times_taken_up:
            return "waits for its consumer group"
        still_s = time.monotonic() - self._looked
        return f"has not looked at the log for {still_s:.0f} s" if still_s > STALLED_S else None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        async with self._busy:  # what is being written may be finished; the next owner then begins behind it
            self._model.give_up([(tp.topic, tp.partition) for tp in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        async with self._busy:
            await end_process_on_error("taking up partitions", self._take_up(list(assigned)))

    async def work(self) -> None:
        while not self.stopping:
            times, self._looked = self._times_taken_up, time.monotonic()
            polled = await self._poll()
            began = time.monotonic()
            async with self._busy:
                if polled is not None and times == self._times_taken_up:
                    await self._write(polled)
                else:  # nobody can tell whether these were fetched before or after the positions were set
                    polled = {}
                    await self._take_up(list(self._consumer.assignment()))
            if sum(map(len, polled.values())) < LARGE:
                await asyncio.sleep(max(0.0, began + PAUSE_S - time.monotonic()))
        async with self._busy:
            with suppress(Overtaken):
                await self._keep_offsets()

    async def _poll(self) -> Polled | None:
        """None where a partition has no position, or one before the log's begin."""
        try:
            polled: Polled = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        except (NoOffsetForPartitionError, OffsetOutOfRangeError):
            return None
        return polled

    async def _write(self, polled: Polled) -> None:
        began = time.monotonic()
        try:
            if polled:
                by_partition = {(tp.topic, tp.partition): records for tp, records in polled.items()}
                _count(polled, await asyncio.to_thread(self._model.take, by_partition), time.monotonic() - began)
                self._newest |= {tp.partition: records[-1].timestamp / 1000 for tp, records in polled.items()}
            if began - self._kept > KEEP_EVERY_S:
                await self._keep_offsets()
                self._kept = began
                await self._show_lag()
        except Overtaken as overtaken:
            self._say(f"{overtaken}: another process has written on; reading again from there")
            await self._take_up(list(self._consumer.assignment()))

    async def _keep_offsets(self) -> None:
        """In the database for ourselves, and in Kafka for whoever asks how far we are."""
        await asyncio.to_thread(self._model.keep_offsets)
        offsets = {TopicPartition(*partition): offset for partition, offset in self._model.written.items()}
        if offsets:
            with suppress(KafkaError):  # the group may be changing hands; the next time will do
                await self._consumer.commit(offsets)

    async def _take_up(self, tps: list[TopicPartition]) -> None:
        found = await asyncio.to_thread(self._model.take_up, [(tp.topic, tp.partition) for tp in tps])
        begins, ends = await self._consumer.beginning_offsets(tps), await self._consumer.end_offsets(tps)
        require_same_log(found, {(tp.topic, tp.partition): end for tp, end in ends.items()})
        for tp in tps:
            offset = found[tp.topic, tp.partition]
            if 0 < offset < begins[tp]:
                lost = begins[tp] - offset
                self._say(f"{tp.topic}-{tp.partition}: {lost} records were deleted before they were read")
            self._consumer.seek(tp, max(offset, begins[tp]))
        self._times_taken_up += 1

    async def _show_lag(self) -> None:
        """By the position of the consumer: the ends of transactions, which are no records, lie behind it."""
        behind: Counter[int] = Counter()
        for tp in self._consumer.assignment():
            end = self._consumer.last_stable_offset(tp)
            if end is not None:
                behind[tp.partition] += max(0, end - await self._consumer.position(tp))
        for number, records in behind.items():
            waited = max(0.0, time.time() - self._newest.get(number, time.time()))
            LAG_RECORDS.labels(STAGE, str(number)).set(records)
            LAG_SECONDS.labels(STAGE, str(number)).set(waited if records else 0)


def _count(polled: Polled, changes: Changes, seconds: float) -> None:
    records = sum(map(len, polled.values()))
    oldest = min(records[0].timestamp for records in polled.values())
    EVENTS.labels(STAGE).inc(records)
    BATCH_RECORDS.labels(STAGE).observe(records)
    BATCH_SECONDS.labels(STAGE).observe(seconds)
    STAGE_DELAY.labels(STAGE).observe(max(0.0, time.time() - oldest / 1000))
    PROJECTION_LEFT_OUT.inc(changes.left_out)
    for table, rows in changes.rows.items():
        PROJECTED_ROWS.labels(table.name).inc(len(rows))
