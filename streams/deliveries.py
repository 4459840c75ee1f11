"""Deeds outside of Kafka, a record at a time: posting a reply, telling somebody.

A stage's batch is done when it is in the log; a deed may take minutes, and others must not wait for it. So each record
is a job in a lane: jobs of one lane are done in order, lanes beside each other, and a partition's offset is committed
up to its oldest job that isn't done. What was done is known from the log that the jobs write, not from the offset.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streams.broker_probe import broker_problem
from streams.failure import end_process, end_process_on_error
from streams.health import Health
from streams.metrics import EVENTS, LAG_RECORDS, LAG_SECONDS
from streams.probes import observed
from streams.record_batches import ReceivedRecord
from streams.settings import Settings

OPEN_JOBS: Final = 500
"""Of a partition: with so many undone it is not read on."""
POLL_MS: Final = 200
STOP_S: Final = 15.0
"""Beyond the time that jobs may take: for the last commit, and to leave the group."""
REBALANCE_S: Final = 60.0
"""So long a worker may take to give its partitions up before the group goes on without it."""


class GivenUp(Exception):
    """The partition goes to another worker, which does what isn't in the log."""


class Ownership:
    """Whether a partition is still this worker's."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    def end(self) -> None:
        self._over.set()

    def require(self) -> None:
        """Raises GivenUp once it is not."""
        if self._over.is_set():
            raise GivenUp

    async def pause(self, seconds: float) -> None:
        """Raises GivenUp as soon as it is not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        self.require()


class Job(NamedTuple):
    """Something to do. `do` returns when the deed and what came of it are in the log; it may raise GivenUp."""

    lane: str
    do: Callable[[], Awaitable[None]]


class Delivery(Protocol):
    """One partition, between assignment and giving up."""

    async def take(self) -> Sequence[Job]:
        """Before its first record: fences the worker before this one, and gives what that one has left half done."""

    def job_in(self, record: ReceivedRecord) -> Job | None:
        """None for a record that asks for nothing."""

    async def give_up(self) -> None:
        """After its last job."""


NewDelivery = Callable[[int, Ownership], Delivery]


class Deliveries(NamedTuple):
    """Who delivers what. `finish_s`: how long a job may take that is past its last moment to be given up."""

    name: str
    source: str
    new_delivery: NewDelivery
    finish_s: float

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"tenfour-{self.name}"


async def run_deliveries(
    deliveries: Deliveries,
    settings: Settings,
    until: Callable[[], Coroutine[Any, Any, None]],
    on_started: Callable[[], None] = lambda: None,
) -> None:
    """Delivers until `until` returns. An error that no job expects ends the process; nothing is committed then."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=deliveries.group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=int(min(1.0, settings.session_timeout_s / 6) * 1000),
        rebalance_timeout_ms=int(REBALANCE_S * 1000),
        fetch_max_wait_ms=50,
    )
    group, health = _Group(consumer, deliveries), Health()
    health.expect(deliveries.name, partial(_problem, group, settings.bootstrap))

    def started() -> None:
        health.started()
        on_started()

    async with observed(settings, health):
        await _deliver(consumer, group, deliveries, settings, until, started)


async def _problem(group: _Group, bootstrap: str) -> str | None:
    return await broker_problem(bootstrap) or group.unsettled()


async def _deliver(
    consumer: AIOKafkaConsumer,
    group: _Group,
    deliveries: Deliveries,
    settings: Settings,
    until: Callable[[], Coroutine[Any, Any, None]],
    on_started: Callable[[], None],
) -> None:
    await consumer.start()
    consumer.subscribe([deliveries.source], listener=group)
    tasks = [
        asyncio.create_task(end_process_on_error(f"{deliveries.name} read", group.read(settings.poll_records))),
        asyncio.create_task(
            end_process_on_error(f"{deliveries.name} committed", group.commit_on(settings.commit_interval_s))
        ),
    ]
    stopped = asyncio.create_task(until())
    await asyncio.sleep(0)  # from here on signals are heard
    on_started()
    await stopped
    for task in tasks:
        task.cancel()
    try:
        async with asyncio.timeout(deliveries.finish_s + STOP_S):
            await group.stop()
            await consumer.stop()
    except TimeoutError:
        late = TimeoutError("Kafka may be away; what is not in the log is done again, or looked up")
        end_process(f"stopping {deliveries.name}", late)


class _Group(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions that this worker owns."""

    def __init__(self, consumer: AIOKafkaConsumer, deliveries: Deliveries) -> None:
        self._consumer, self._deliveries = consumer, deliveries
        self._owned: dict[TopicPartition, _Partition] = {}
        self._was_assigned = self._stopping = False

    def unsettled(self) -> str | None:
        """Why it can't work on all its partitions yet; None when it does."""
        if not self._was_assigned:
            return "waits for its consumer group"
        taking = sum(not partition.is_ready for partition in self._owned.values())
        return f"loads the log of {taking} partitions" if taking else None

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Returns at once: the group does not wait for a log to load. Until then the partition rests."""
        self._was_assigned = True
        for tp in assigned if not self._stopping else ():
            partition = _Partition(tp.partition, self._deliveries)
            self._owned[tp] = partition
            self._consumer.pause(tp)
            doing = f"{self._deliveries.name} took {tp.topic}-{tp.partition}"
            partition.taking = asyncio.create_task(end_process_on_error(doing, self._take(tp, partition)))

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        try:  # aiokafka swallows a listener's exceptions
            await self.give_up_all()
        except Exception as error:
            end_process(f"{self._deliveries.name} gave up its partitions", error)

    async def give_up_all(self) -> None:
        """What is past its last moment to be given up is finished; the rest is left to whoever comes next."""
        owned = list(self._owned.values())
        await asyncio.gather(*(partition.finish(self._deliveries.finish_s) for partition in owned))
        await self._commit()
        self._owned.clear()
        await asyncio.gather(*(partition.delivery.give_up() for partition in owned))
        for partition in owned:
            for lag in (LAG_RECORDS, LAG_SECONDS):
                lag.remove(self._deliveries.name, str(partition.number))

    async def stop(self) -> None:
        self._stopping = True
        await self.give_up_all()

    async def read(self, poll_records: int) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=poll_records)
            for tp, records in fetched.items():
                partition = self._owned.get(tp)
                if partition is not None and partition.is_ready:
                    partition.submit(records)
            for tp, partition in self._owned.items():
                self._make_room(tp, partition)

    async def commit_on(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._commit()
            for tp, partition in list(self._owned.items()):
                with suppress(IllegalStateError):  # given up meanwhile
                    await self._show_lag(tp, partition)

    async def _take(self, tp: TopicPartition, partition: _Partition) -> None:
        left = await partition.delivery.take()
        offset = await self._consumer.committed(tp)
        if self._owned.get(tp) is not partition:
            return
        for job in left:
            partition.do(job)
        if offset is None:
            await self._consumer.seek_to_beginning(tp)
        else:
            self._consumer.seek(tp, offset)
        partition.is_ready = True
        self._consumer.resume(tp)

    async def _show_lag(self, tp: TopicPartition, partition: _Partition) -> None:
        """The ends of transactions are offsets, and no records."""
        end = self._consumer.highwater(tp)
        if partition.is_ready and end is not None and partition.done_offset is not None:
            done = partition.done_offset if partition.open_jobs else await self._consumer.position(tp)
            behind, waited = max(0, end - done), max(0.0, time.time() - partition.waits_since)
            LAG_RECORDS.labels(self._deliveries.name, str(tp.partition)).set(behind)
            LAG_SECONDS.labels(self._deliveries.name, str(tp.partition)).set(waited if behind else 0)

    def _make_room(self, tp: TopicPartition, partition: _Partition) -> None:
        if not partition.is_ready or tp not in self._consumer.assignment():
            return
        full, paused = partition.open_jobs >= OPEN_JOBS, tp in self._consumer.paused()
        if full and not paused:
            self._consumer.pause(tp)
        elif paused and not full:
            self._consumer.resume(tp)

    async def _commit(self) -> None:
        due = {tp: partition.done_offset for tp, partition in self._owned.items() if partition.is_to_commit}
        offsets = {tp: offset for tp, offset in due.items() if offset is not None}
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            return  # the group has gone on: whoever owns the partition now commits
        except KafkaError as error:
            if not error.retriable:
                raise
            return
        for tp, offset in offsets.items():
            if tp in self._owned:
                self._owned[tp].committed = offset


class _Partition:
    """Jobs of one partition: which are open, and up to where all is done."""

    def __init__(self, number: int, deliveries: Deliveries) -> None:
        self.number, self._name = number, deliveries.name
        self.ownership = Ownership()
        self.delivery = deliveries.new_delivery(number, self.ownership)
        self.taking: asyncio.Task[None] | None = None
        self.is_ready = False
        self.committed: int | None = None
        self._next_offset: int | None = None
        self._open: dict[int, float] = {}
        """Offsets of the jobs that aren't done, in order, with the times of their records."""
        self._newest = time.time()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        """The last job of each lane."""
        self._running: set[asyncio.Task[None]] = set()

    @property
    def open_jobs(self) -> int:
        return len(self._open)

    @property
    def done_offset(self) -> int | None:
        """Everything before it is done; None before the first record."""
        return next(iter(self._open), self._next_offset)

    @property
    def waits_since(self) -> float:
        """The time of the oldest record that isn't done, as far as it has been read; seconds since 1970."""
        return next(iter(self._open.values()), self._newest)

    @property
    def is_to_commit(self) -> bool:
        return self.done_offset is not None and self.done_offset != self.committed

    def submit(self, records: Sequence[ReceivedRecord]) -> None:
        for record in records:
            job = self.delivery.job_in(record)
            if job is None:
                EVENTS.labels(self._name).inc()
            else:
                self._open[record.offset] = record.timestamp / 1000
                self.do(job, record.offset)
        self._next_offset, self._newest = records[-1].offset + 1, records[-1].timestamp / 1000

    def do(self, job: Job, offset: int | None = None) -> None:
        work = self._do(job, self._lanes.get(job.lane), offset)
        task = asyncio.create_task(end_process_on_error(f"{self._name} did a job of partition {self.number}", work))
        self._lanes[job.lane] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self, finish_s: float) -> None:
        """Starts nothing more and waits for what can't be left halfway."""
        self.ownership.end()
        self.is_ready = False
        if self.taking is not None and not self.taking.done():
            self.taking.cancel()
            await asyncio.wait([self.taking])
        if self._running:
            await asyncio.wait(self._running, timeout=finish_s)
        for task in self._running:
            task.cancel()

    async def _do(self, job: Job, before: asyncio.Task[None] | None, offset: int | None) -> None:
        me = asyncio.current_task()
        if before is not None:
            await asyncio.wait([before])
        with suppress(GivenUp):
            self.ownership.require()
            await job.do()
            if offset is not None:
                del self._open[offset]
                EVENTS.labels(self._name).inc()
        if self._lanes.get(job.lane) is me:
            del self._lanes[job.lane]
