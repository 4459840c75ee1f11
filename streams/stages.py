"""Stages: a source topic, a rule, and where the result goes. Agents declare them; this module runs them on Faust."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import uvloop
from aiokafka import AIOKafkaProducer

from streams.broker_probe import broker_problem
from streams.failure import end_process
from streams.faust_internals import NoTables, StageApp
from streams.logs import logger
from streams.metrics import BATCH_RECORDS, BATCH_SECONDS, DEAD_LETTERS, EVENTS, LAG_RECORDS, LAG_SECONDS, STAGE_DELAY
from streams.record_batches import Outbox, RecordBatch, joined
from streams.settings import Settings
from streams.state import Fold
from streams.topics import Topic
from streams.transactions import PartitionTransactions
from streams.writing import new_producer, write_outbox

Decide = Callable[[RecordBatch], Awaitable[Sequence[Outbox]]]
"""A stateless stage's rule: the outboxes to write, one after the other, each awaited before the next."""

Background = Callable[["RunningStage"], Awaitable[None]]
"""Work beside the batches, such as ticks; cancelled when the stage stops."""

_LOG = logger("stages")
LAG_EVERY_S = 1.0
TRANSACTION_EVERY_S = 0.5
HURRIED_EVERY_S = 0.05
"""Between the starts of a partition's transactions at least, also where the next is in a hurry."""
WORTH_A_TRANSACTION = 500
"""Records that wait for no others: their own work costs more than the transaction."""
STALLED_S = 30.0
"""A partition with records that wait, of which none has been acknowledged for so long, stands still."""
STOP_S = 10.0
"""Longest stop: more than the longest wait for batches that were started. What can't be finished comes again."""


@dataclass(frozen=True)
class Stage:
    """One arrow of the pipeline. Stateless with `decide`, or stateful with `new_fold` and `state`."""

    name: str
    source: Topic
    decide: Decide | None = None
    new_fold: Callable[[int], Fold] | None = None
    state: Topic | None = None
    transaction_every_s: float = TRANSACTION_EVERY_S
    """From the start of a partition's transaction to that of its next, at least. One costs the broker half a dozen
    requests, whatever it holds; what comes meanwhile shares the next."""
    hurries: Callable[[RecordBatch], bool] = lambda _: False
    """Whether a batch, with what has come before it, goes into a transaction without that wait."""
    poll_records: int | None = None
    """Most records a poll, where it differs from the settings."""
    before_start: Callable[[Settings], Awaitable[None]] | None = None
    """Awaited before the first batch."""
    background: Background | None = None
    problem: Callable[[RunningStage], str | None] = lambda _: None
    """Why it does not do its work, of what only the stage can tell."""
    on_stop: Callable[[], None] = field(default=lambda: None)

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"tenfour-{self.name}"


class RunningStage:
    """A stage on its Faust app in this process."""

    def __init__(self, stage: Stage, settings: Settings, clock: Callable[[], float]) -> None:
        """`clock`: seconds since 1970."""
        self.stage, self.settings, self.clock = stage, settings, clock
        self.app = _new_app(stage, settings)
        self.producer: AIOKafkaProducer | None = None
        self._workers: dict[int, _PartitionWorker] = {}
        self._transactions = self._new_transactions()
        DEAD_LETTERS.start_at_zero(stage=(stage.name,))
        self._beside: list[asyncio.Task[None]] = []
        self._moved: dict[int, _Moved] = {}
        if self._transactions is not None:
            self.app.prepare_partition = self._transactions.take
            self.app.commits_offsets = False
        self.app.give_up_partition = self._give_up
        self.app.agent(self.app.batch_topic(stage.source.name), name=stage.name)(self._consume)

    async def start(self) -> None:
        if self.stage.before_start is not None:
            await self.stage.before_start(self.settings)
        self.producer = new_producer(self.settings.bootstrap)
        await self.producer.start()
        self.app.finalize()
        await self.app.start()
        self._beside.append(self._task(self._report_lag(), "reporting lag"))
        if self._transactions is not None:
            self._beside.append(self._task(self._commit_idle(self._transactions), f"{self.stage.name} committed"))
        if self.stage.background is not None:
            self._beside.append(self._task(self.stage.background(self), f"{self.stage.name}'s background work"))

    async def stop(self) -> None:
        """Lets started batches finish, commits, leaves the group. Ends the process where that takes too long."""
        try:
            async with asyncio.timeout(STOP_S):
                await self._stop()
        except TimeoutError:
            late = TimeoutError(f"not within {STOP_S:.0f} s, perhaps Kafka is away; what is not committed comes again")
            end_process(f"stopping {self.stage.name}", late)

    async def _stop(self) -> None:
        await self.app.stop()
        for task in self._beside:  # only now: a commit must not be cancelled halfway
            task.cancel()
        for worker in self._workers.values():
            worker.cancel()
        if self.producer is not None:
            await self.producer.stop()
        self.stage.on_stop()

    def owned_partitions(self) -> set[int]:
        """Partitions whose batches this process handles now."""
        return set(self.app.lag())

    async def problem(self) -> str | None:
        """Why the stage does not do its work; None where it does."""
        broken = await broker_problem(self.settings.bootstrap)
        return broken or self.app.unsettled() or self._stalled() or self.stage.problem(self)

    def _stalled(self) -> str | None:
        now = self.clock()
        for partition, records in self.app.lag().items():
            moved = self._moved.setdefault(partition, _Moved(now, now))
            if not records:
                self._moved[partition] = _Moved(now, moved.to)
            elif now - moved.at > STALLED_S:
                return f"partition {partition}: {records} records wait, none was done for {now - moved.at:.0f} s"
        return None

    async def _consume(self, stream: Any) -> None:
        await _or_end(self._hand_out(stream), f"{self.stage.name} took batches")  # Faust would go on without this one

    async def _hand_out(self, stream: Any) -> None:
        async for batch in stream.noack():
            self._worker(batch.partition).submit(batch)

    def _worker(self, partition: int) -> _PartitionWorker:
        worker = self._workers.get(partition)
        if worker is None:
            worker = self._workers[partition] = self._new_worker(partition)
            _LOG.info("partition taken", stage=self.stage.name, partition=partition)
        return worker

    def _new_worker(self, partition: int) -> _PartitionWorker:
        if self._transactions is None:
            return _PartitionWorker(self.stage.name, partition, self._handle_stateless)
        return _PartitionWorker(self.stage.name, partition, self._handle_stateful, self._wait_s)

    def _wait_s(self, batches: Sequence[RecordBatch]) -> float:
        """From the start of a partition's last transaction to that of one with these batches."""
        enough = sum(len(batch.records) for batch in batches) >= WORTH_A_TRANSACTION
        hurried = enough or any(map(self.stage.hurries, batches))
        return HURRIED_EVERY_S if hurried else self.stage.transaction_every_s

    async def _give_up(self, partition: int) -> None:
        _LOG.info("partition given up", stage=self.stage.name, partition=partition)
        worker = self._workers.pop(partition, None)
        if worker is not None:
            worker.cancel()
        if self._transactions is not None:
            await self._transactions.give_up(partition)
        self._moved.pop(partition, None)
        LAG_RECORDS.remove(self.stage.name, str(partition))
        LAG_SECONDS.remove(self.stage.name, str(partition))

    async def _handle_stateful(
        self,
        batches: Sequence[RecordBatch],
        previous: asyncio.Task[None] | None,  # noqa: ARG002
    ) -> asyncio.Task[None] | None:
        assert self._transactions is not None
        started = self.clock()
        async with asyncio.timeout(self.settings.batch_timeout_s):
            await self._transactions.process(joined(batches))
        for batch in batches:
            self._done(batch, started)
        return None

    async def _handle_stateless(
        self, batches: Sequence[RecordBatch], previous: asyncio.Task[None] | None
    ) -> asyncio.Task[None] | None:
        """Decides while the previous batch is still being written; the writes keep their order."""
        assert self.stage.decide is not None
        (batch,) = batches
        started = self.clock()
        batch.lag = sum(self.app.lag().values())
        async with asyncio.timeout(self.settings.batch_timeout_s):
            outboxes = await self.stage.decide(batch)
            if previous is not None:
                await previous
        return self._task(self._write(batch, outboxes, started), f"writing what {self.stage.name} decided")

    async def _write(self, batch: RecordBatch, outboxes: Sequence[Outbox], started: float) -> None:
        assert self.producer is not None
        async with asyncio.timeout(self.settings.batch_timeout_s):
            for outbox in outboxes:
                await write_outbox(self.producer, outbox)
        self._done(batch, started)

    def _done(self, batch: RecordBatch, started: float) -> None:
        batch.acknowledge()
        now = self.clock()
        stage = self.stage.name
        self._moved[batch.partition] = _Moved(now, batch.records[-1].timestamp / 1000)
        EVENTS.labels(stage).inc(len(batch.records))
        BATCH_RECORDS.labels(stage).observe(len(batch.records))
        BATCH_SECONDS.labels(stage).observe(max(0.0, now - started))
        STAGE_DELAY.labels(stage).observe(max(0.0, now - batch.records[0].timestamp / 1000))

    async def _report_lag(self) -> None:
        while True:
            await asyncio.sleep(LAG_EVERY_S)
            now = self.clock()
            for partition, records in self.app.lag().items():
                moved = self._moved.setdefault(partition, _Moved(now, now))
                LAG_RECORDS.labels(self.stage.name, str(partition)).set(records)
                LAG_SECONDS.labels(self.stage.name, str(partition)).set(max(0.0, now - moved.to) if records else 0)

    async def _commit_idle(self, transactions: PartitionTransactions) -> None:
        while True:
            await asyncio.sleep(self.settings.commit_interval_s)
            await transactions.commit_idle()

    def _task(self, work: Any, doing: str) -> asyncio.Task[None]:
        return asyncio.create_task(_or_end(work, doing))

    def _new_transactions(self) -> PartitionTransactions | None:
        stage, settings = self.stage, self.settings
        if stage.new_fold is None or stage.state is None:
            return None
        return PartitionTransactions(
            stage.name,
            stage.group,
            settings.bootstrap,
            stage.source.name,
            stage.state.name,
            stage.new_fold,
            timeout_s=settings.transaction_timeout_s,
        )


class _Moved(NamedTuple):
    """When a batch of a partition was acknowledged last, and up to which record's time; seconds since 1970."""

    at: float
    to: float


Handle = Callable[[Sequence[RecordBatch], "asyncio.Task[None] | None"], Awaitable["asyncio.Task[None] | None"]]


class _PartitionWorker:
    """Handles the batches of one partition in order; partitions overlap.

    One batch at a time; with `wait_s`, whatever has come, so many seconds after the start of the last ones at the
    earliest.
    """

    def __init__(
        self,
        stage: str,
        partition: int,
        handle: Handle,
        wait_s: Callable[[Sequence[RecordBatch]], float] | None = None,
    ) -> None:
        self._handle, self._wait_s = handle, wait_s
        self._queue: asyncio.Queue[RecordBatch] = asyncio.Queue()
        self._last_start = 0.0
        self._task = asyncio.create_task(_or_end(self._work(), f"{stage} handled partition {partition}"))

    def submit(self, batch: RecordBatch) -> None:
        self._queue.put_nowait(batch)

    def cancel(self) -> None:
        self._task.cancel()

    async def _work(self) -> None:
        writing: asyncio.Task[None] | None = None
        while True:
            batches = [await self._queue.get()]
            if self._wait_s is not None:
                await self._gather(batches, self._wait_s)
            started = [batch for batch in batches if batch.start()]
            if started:
                writing = await self._handle(started, writing)

    async def _gather(self, batches: list[RecordBatch], wait_s: Callable[[Sequence[RecordBatch]], float]) -> None:
        """Adds what comes until it is time."""
        clock = asyncio.get_running_loop().time
        while True:
            batches += [self._queue.get_nowait() for _ in range(self._queue.qsize())]
            left = self._last_start + wait_s(batches) - clock()
            if left <= 0:
                break
            with suppress(TimeoutError):
                batches.append(await asyncio.wait_for(self._queue.get(), left))
        self._last_start = clock()


async def _or_end(work: Awaitable[None], doing: str) -> None:
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or not task.cancelling():  # what was awaited has been cancelled, not this
            end_process(doing, error)
        raise
    except Exception as error:
        end_process(doing, error)


def _new_app(stage: Stage, settings: Settings) -> StageApp:
    """Faust's settings, as measured: its defaults lose data and time."""
    app = StageApp(
        stage.group,
        broker=[f"kafka://{address}" for address in settings.bootstrap.split(",")],
        broker_max_poll_records=stage.poll_records or settings.poll_records,
        broker_commit_interval=settings.commit_interval_s,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=min(1.0, settings.session_timeout_s / 6),
        broker_request_timeout=max(30.0, settings.session_timeout_s),
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_request_timeout=30.0,
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        TableManager=NoTables,
        web_enabled=False,
        processing_guarantee="at_least_once",
        store="memory://",
        debug=False,
    )
    app.open_batches = settings.open_batches
    return app


def run(work: Awaitable[None]) -> None:
    """Runs the process's main work on uvloop, which Faust's consumer thread then uses too."""
    uvloop.install()
    asyncio.run(_awaited(work))


async def _awaited(work: Awaitable[None]) -> None:
    await work
