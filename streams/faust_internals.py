"""The one module that touches private members of Faust and aiokafka.

Both are pinned in `pyproject.toml`; `tests/streams/test_faust_internals.py` fails when a member used here changes.

`BatchConsumer` replaces Faust's loop over single messages: it hands whole record batches to the agents, at most
`open_batches` ahead of acknowledgement a partition, commits only what lies before the oldest unacknowledged batch, and
before partitions are given up it lets started batches finish and commits them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import aiokafka
import faust
from aiokafka import TopicPartition
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.failure import end_process
from streams.record_batches import BatchState, RecordBatch

FETCH_WAIT_MS = 100
"""How long the broker may hold a fetch without data; Faust hard-wires 1500."""
FETCH_EVERY_S = 0.015
"""From one fetch to the next, at least. Records that come one by one would cost the broker a fetch each, and a write
each from every stage; so some share them."""
IDLE_POLL_S = 0.25
"""Longest wait for records: for so long an assigned partition may have to wait for its first fetch."""
PARTIAL_POLL_S = 0.02
"""Poll while some partition is full: short, so that it is asked again as soon as it has room."""
FINISH_STARTED_S = 30.0
"""How long started batches may take before partitions are given up without them (they come again then)."""
FINISH_STOPPING_S = 7.0
"""The same where the worker stops: whoever stops it waits."""

PreparePartition = Callable[[int], Awaitable[int | None]]
"""Called with a partition before its first batch; gives the offset to read from, None for the committed one."""


class BatchThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust hard-wires read_uncommitted
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._proc_fetch_request = _paced(fetcher._proc_fetch_request, FETCH_EVERY_S)

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Faust would print a traceback here; the app ends the process with one line."""

    async def on_thread_stop(self) -> None:
        # With the broker away, aiokafka raises the end of its own fetch here, and Faust waits a minute for the thread
        with suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    async def _fetch_records(self, consumer: aiokafka.AIOKafkaConsumer, *args: Any, **kwargs: Any) -> Any:
        consumer._coordinator.check_errors()  # Faust never asks, and the group's work stops until somebody does
        return await super()._fetch_records(consumer, *args, **kwargs)

    async def rest(self) -> None:
        """What a fetch does besides fetching: asks for errors, and shows the group that this worker lives."""
        await self.call_thread(self._rest)

    async def _rest(self) -> None:
        consumer = self._ensure_consumer()
        consumer._coordinator.check_errors()
        with consumer._subscription.fetch_context():  # aiokafka leaves the group after 1000 s without one
            pass

    async def committed(self, tp: TP) -> int | None:
        consumer = self._ensure_consumer()
        offset: int | None = await self.call_thread(consumer.committed, TopicPartition(tp.topic, tp.partition))
        return offset

    def end_of_fetched(self, tp: TP) -> int:
        """Where the next fetch begins, 0 where that is open: past the ends of transactions, which are no records."""
        subscription = self._ensure_consumer()._subscription.subscription
        assigned = subscription.assignment if subscription is not None else None
        known = TopicPartition(tp.topic, tp.partition)
        if assigned is None or known not in assigned.tps:
            return 0
        state = assigned.state_value(known)
        return int(state.position) if state.has_valid_position else 0

    async def seek_to(self, tp: TP, offset: int | None) -> None:
        await self.call_thread(self._seek_to, TopicPartition(tp.topic, tp.partition), offset)

    async def _seek_to(self, tp: TopicPartition, offset: int | None) -> None:
        consumer = self._ensure_consumer()
        if offset is None:
            await consumer.seek_to_beginning(tp)
        else:
            consumer.seek(tp, offset)


def _paced(fetch: Callable[..., Awaitable[bool]], every_s: float) -> Callable[..., Awaitable[bool]]:
    """The same, but begun so many seconds after it was begun last at the earliest, for each node."""
    clock = asyncio.get_running_loop().time
    next_start: defaultdict[int, float] = defaultdict(float)

    async def paced(assignment: Any, node: int, request: Any) -> bool:
        await asyncio.sleep(next_start[node] - clock())
        next_start[node] = clock() + every_s
        return await fetch(assignment, node, request)

    return paced


class BatchConsumer(driver.Consumer):
    """See the module. Lives in the event loop's thread; aiokafka's consumer has its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: Any = self.app
        self._prepare: PreparePartition | None = app.prepare_partition
        self._give_up: Callable[[int], Awaitable[None]] | None = app.give_up_partition
        self._commits: bool = app.commits_offsets
        self._open_limit: int = app.open_batches
        self._open: defaultdict[TP, deque[RecordBatch]] = defaultdict(deque)
        self._acknowledged: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._ready: dict[TP, int] = {}
        """Partitions whose batches may be handed over, each with the number of its assignment."""
        self._preparing: dict[TP, asyncio.Task[None]] = {}
        self._assignment_number = 0
        self._was_assigned = False
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        """Held by a fetch, and by a seek: a fetch from before the seek would read on behind it, and its records be
        dropped as those of the last assignment."""

    _thread: BatchThread

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    # Assignment

    async def perform_seek(self) -> None:
        """Faust calls this when an assignment is settled and before the flow resumes. It must return at once: a
        rebalance does not wait for a partition's state to load."""
        self._was_assigned = True
        for tp in self.assignment():
            if tp not in self._preparing:
                self._preparing[tp] = asyncio.create_task(
                    self._make_ready(tp), name=f"prepare {tp.topic}-{tp.partition}"
                )

    @property
    def was_assigned(self) -> bool:
        """Whether the group has ever said which partitions are this worker's, be it none."""
        return self._was_assigned

    def being_prepared(self) -> list[int]:
        """Assigned partitions whose batches may not be handed over yet."""
        return sorted(tp.partition for tp in self._preparing if tp not in self._ready)

    async def _make_ready(self, tp: TP) -> None:
        try:
            offset = await self._prepare(tp.partition) if self._prepare else None
            if offset is None:
                offset = await self._thread.committed(tp)
            async with self._reading:
                await self._thread.seek_to(tp, offset)
                self._set_ready(tp, offset)
        except Exception as error:  # aiokafka swallows a listener's exceptions: end here
            end_process(f"preparing {tp.topic}-{tp.partition}", error)

    def _set_ready(self, tp: TP, offset: int | None) -> None:
        if offset is not None:
            self._committed[tp] = offset
        self._ready[tp] = self._assignment_number
        self._changed.set()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        try:
            await self._finish_started(revoked, FINISH_STARTED_S)
        except Exception as error:  # aiokafka swallows this too
            end_process(f"giving up {len(revoked)} partitions", error)
        await super().on_partitions_revoked(revoked)

    async def wait_empty(self) -> None:
        """Faust calls this when the worker stops."""
        await self._finish_started(self._open.keys() | self._ready.keys() | self._preparing.keys(), FINISH_STOPPING_S)

    async def _finish_started(self, tps: Iterable[TP], within_s: float) -> None:
        """Hands over nothing more of these partitions, drops what is queued, waits for what is started, commits."""
        tps = list(tps)
        self._assignment_number += 1
        for tp in tps:
            self._ready.pop(tp, None)
            if (task := self._preparing.pop(tp, None)) is not None and not task.done():
                task.cancel()
                await asyncio.wait([task])
        started = [batch for tp in tps for batch in self._open[tp] if not _dropped(batch)]
        if started:
            await asyncio.wait([asyncio.ensure_future(batch.wait_closed()) for batch in started], timeout=within_s)
        await self.force_commit()
        for tp in tps:
            self._open.pop(tp, None)
            self._acknowledged.pop(tp, None)
            self._committed.pop(tp, None)
            if self._give_up is not None:
                await self._give_up(tp.partition)

    # Reading

    async def _drain_messages(self, fetcher: Any) -> None:
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
                continue
            async with self._reading:
                room = self._with_room()
                fetched = await self._fetch(room) if room else {}
            if not room:
                await self._wait_for_change()
            for tp, records in fetched.items():
                if self._ready.get(tp) == room[tp]:  # else given up meanwhile: whoever is assigned seeks first
                    await self._hand_over(tp, records)

    async def _fetch(self, room: Mapping[TP, int]) -> Mapping[TP, list[Any]]:
        everything = len(room) == len(self.assignment())
        return await self._getmany(set(room), timeout=IDLE_POLL_S if everything else PARTIAL_POLL_S)

    def _with_room(self) -> dict[TP, int]:
        self._changed.clear()
        for tp in self._ready:
            self._settle(tp)
        return {tp: number for tp, number in self._ready.items() if len(self._open[tp]) < self._open_limit}

    async def _wait_for_change(self) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), timeout=IDLE_POLL_S)
        except TimeoutError:
            await self._thread.rest()

    async def _hand_over(self, tp: TP, records: list[Any]) -> None:
        # A seek may have crossed a fetch: what lies before the committed offset is done already
        floor = self._next_offset(tp)
        if records[0].offset < floor:
            records = [record for record in records if record.offset >= floor]
        if not records:
            return
        batch = RecordBatch(tp.topic, tp.partition, records)
        self._open[tp].append(batch)
        batch.on_close(self._changed.set)
        await self.callback(self._message_of(tp, batch))

    def _next_offset(self, tp: TP) -> int:
        open_batches = self._open[tp]
        return open_batches[-1].next_offset if open_batches else self._acknowledged.get(tp, self._committed.get(tp, 0))

    def _message_of(self, tp: TP, batch: RecordBatch) -> ConsumerMessage:
        last = batch.records[-1]
        value: Any = batch  # Faust expects bytes here; BatchSchema takes the batch
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, 0, [], None, value, None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    # Acknowledging and committing: Faust's own bookkeeping counts skipped events as done, so it is not used

    def track_message(self, message: Any) -> None:
        """Faust would keep every message here until its own acknowledgement."""

    def ack(self, message: Any) -> bool:  # noqa: ARG002
        return True

    def _settle(self, tp: TP) -> None:
        open_batches = self._open[tp]
        while open_batches and open_batches[0].state is BatchState.ACKNOWLEDGED:
            self._acknowledged[tp] = open_batches.popleft().next_offset

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:  # noqa: ARG002
        if not self._commits:
            return iter(())
        for tp in list(self._open):
            self._settle(tp)
        return iter([tp for tp, offset in self._acknowledged.items() if offset > self._committed.get(tp, -1)])

    def _new_offset(self, tp: TP) -> int | None:
        return self._acknowledged.get(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return offset > self._committed.get(tp, -1)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        assigned = self.assignment()
        mine = {tp: offset for tp, offset in offsets.items() if tp in assigned}
        if not mine or not await self._commit(mine):
            return False  # Faust records a failed commit as done
        self._committed.update(mine)
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's own stall detector reads bookkeeping that is not used here; lag and delay are metrics."""

    def lag(self) -> dict[int, int]:
        """Records between the acknowledged offset and the end, by partition, as far as the last fetch knew."""
        lags = {}
        for tp in self._ready:
            end = self.highwater(tp)
            if end is not None:
                self._settle(tp)
                lags[tp.partition] = max(0, end - self._done(tp))
        return lags

    def _done(self, tp: TP) -> int:
        if self._open[tp]:
            return int(self._open[tp][0].records[0].offset)
        return max(self._next_offset(tp), self._thread.end_of_fetched(tp))


def _dropped(batch: RecordBatch) -> bool:
    batch.drop()
    return batch.state is BatchState.DROPPED


class BatchTransport(driver.Transport):
    """aiokafka, with batches."""

    Consumer = BatchConsumer


class BatchSchema(faust.Schema[None, RecordBatch]):
    """Leaves a batch as it is: decoding belongs to the agent, where a bad record can become a dead letter."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:  # noqa: ARG002
        return None

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        return message.value


class NoTables(TableManager):
    """Faust waits a second for tables to be declared; there are none."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class StageApp(faust.App):
    """A Faust app whose consumer hands over batches."""

    prepare_partition: PreparePartition | None = None
    give_up_partition: Callable[[int], Awaitable[None]] | None = None
    commits_offsets: bool = True
    open_batches: int = 3

    def _crash(self, reason: BaseException) -> None:
        # Faust would stop its services and leave the process standing
        if not self.should_stop:
            end_process(f"running {self.conf.id}", reason)
        super()._crash(reason)

    def _on_rebalance_when_stopped(self) -> None:
        """Faust would close the connection, before the last commit."""

    def _create_directories(self) -> None:
        """Faust would make folders for tables where it was started; there are none."""

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def batch_topic(self, name: str) -> Any:
        """A topic to hang an agent on: its values are RecordBatch."""
        return self.topic(name, schema=BatchSchema(), acks=True)

    def unsettled(self) -> str | None:
        """Why it can't work on all its partitions yet; None when it does."""
        consumer = self._consumer
        if not isinstance(consumer, BatchConsumer) or not consumer.was_assigned:
            return "waits for its consumer group"
        preparing = consumer.being_prepared()
        return f"loads the state of {len(preparing)} partitions" if preparing else None

    def lag(self) -> dict[int, int]:
        """Records not yet acknowledged, by assigned partition; empty before the first assignment."""
        consumer = self._consumer
        return consumer.lag() if isinstance(consumer, BatchConsumer) else {}
