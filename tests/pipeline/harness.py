"""Runs the real stages as processes on a real Kafka, feeds them, disturbs them, and counts what came out."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from gateway.replay_schedule import Scheduled, schedule
from schemas.codecs import UndecodableRecord, decode, encode
from schemas.records import AnyRecord, Mention, MentionCount, PublicReply, SlaEvent, SpikeDetected
from streams.partitions import partition_of
from streams.progress import wait_until_drained
from streams.reading import read_to_end
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import MENTIONS_RAW, TOPICS, apply_topics
from streams.writing import new_producer, write_outbox
from tenfour.flow import Flow
from tenfour.local_pipeline import SOURCES

STAGES = ("classify", "route", "deadlines")
"""From a mention to its verdict."""
SPIKE_STAGES = ("classify", "count", "spikes")
"""From a mention to a spike."""
OUTSIDE = ("project", "publish", "notify")
"""Processes that are no stages."""
PARTITIONS = 4
CHUNK = 200
LAST_DEADLINE_AFTER = timedelta(hours=25)
DRAIN_S = 150
START_S = 60


@dataclass
class Workers:
    """The stage processes by a name of their own, such as `route` or `route-2`."""

    bootstrap: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    tree: Path | None = None
    """The checkout whose code the next workers run; None: this one."""
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    """Variables of one worker alone, by its name."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _log_starts: dict[str, int] = field(default_factory=dict)

    def start(self, name: str) -> None:
        stage = name.split("-")[0]
        settings = {
            "TENFOUR_BOOTSTRAP": self.bootstrap,
            "TENFOUR_PARTITIONS": str(PARTITIONS),
            "TENFOUR_TICKS": "replay",
            **self.environment,
            **self.own.get(name, {}),
        }
        path = self.folder / f"{name}.log"
        with path.open("ab") as log:
            self._log_starts[name] = log.tell()
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "tenfour.main", *(() if stage in OUTSIDE else ("run",)), stage],
                env={**os.environ, **settings},
                cwd=self.tree,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """SIGKILL: no chance to finish anything."""
        worker = self.running.pop(name)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    async def started(self, name: str) -> None:
        """Returns when the worker, started last under this name, says that it runs."""
        async with asyncio.timeout(START_S):
            while f"running {name.split('-')[0]}" not in self._said(name):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def stop(self, name: str) -> None:
        """SIGTERM to a worker that has started: it finishes what it has begun, commits, and leaves."""
        await self.started(name)
        worker = self.running.pop(name)
        worker.terminate()
        status = await asyncio.to_thread(worker.wait, 30)
        assert status == 0, f"{name} ended with {status}: {self.log(name)}"

    def keep_running(self) -> None:
        """Starts again what has ended by itself, as a supervisor does."""
        for name, worker in list(self.running.items()):
            if worker.poll() is not None:
                self.start(name)

    def kill_all(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def _said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_bytes()[self._log_starts[name] :].decode(errors="replace")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


@dataclass
class Outcome:
    """Everything on the topics after a run."""

    flow: Flow
    records: dict[str, list[AnyRecord]]
    undecodable: int

    def events(self) -> list[SlaEvent]:
        return [record for record in self.records["sla-events"] if isinstance(record, SlaEvent)]

    def verdicts(self) -> dict[str, str]:
        """Verdict on the first response by conversation."""
        return {
            event.conversation: event.kind
            for event in self.events()
            if event.target == "first_response" and event.kind in ("met", "breached")
        }

    def spikes(self) -> list[SpikeDetected]:
        return [record for record in self.records["sla-events"] if isinstance(record, SpikeDetected)]

    def counts(self) -> list[MentionCount]:
        return [record for record in self.records["mention-counts"] if isinstance(record, MentionCount)]

    def repeated_events(self) -> list[str]:
        """Ids that stand on sla-events more than once."""
        return [event for event, times in Counter(event.id for event in self.events()).items() if times > 1]

    def repeated(self, topic: str) -> list[str]:
        """Ids of records other than ticks that stand on the topic more than once."""
        ids = Counter(record.id for record in self.records[topic] if hasattr(record, "id"))
        return [name for name, times in ids.items() if times > 1]


Disturb = Callable[[Workers], Awaitable[None]]


async def run_pipeline(
    workers: Workers,
    posts: Iterable[Mention | PublicReply],
    disturb: Disturb,
    *,
    over_s: float = 0.0,
    restart: bool = True,
    backlog: bool = False,
    stages: Sequence[str] = STAGES,
) -> Outcome:
    """Feeds the posts as a replay does, over `over_s` seconds, while `disturb` runs; waits until the stages have
    handled all. With `backlog` nobody works before everything stands on mentions-raw."""
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    if backlog:
        await feed(workers.bootstrap, posts, 0.0)
        posts = ()
    for stage in stages:
        if stage not in workers.running:
            workers.start(stage)
    watch = asyncio.create_task(_keep_running(workers)) if restart else None
    try:
        await asyncio.gather(feed(workers.bootstrap, posts, over_s), disturb(workers))
        async with asyncio.timeout(DRAIN_S):
            await wait_until_drained(workers.bootstrap, [source for source in SOURCES if source[0] in stages])
    except TimeoutError:
        raise AssertionError("not drained: " + " | ".join(workers.log(name) for name in workers.running)) from None
    finally:
        if watch is not None:
            watch.cancel()
    return await outcome(workers.bootstrap)


async def undisturbed(workers: Workers) -> None:
    """No disturbance."""


async def feed(bootstrap: str, posts: Iterable[Mention | PublicReply], over_s: float) -> None:
    """Writes the posts with a replay's ticks, in chunks spread over `over_s` seconds."""
    items = list(
        schedule(
            posts,
            partitions=PARTITIONS,
            partition_of=lambda key: partition_of(key, PARTITIONS),
            last_deadline_after=LAST_DEADLINE_AFTER,
        )
    )
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        pause = over_s / max(1, len(items) / CHUNK)
        for start in range(0, len(items), CHUNK):
            await write_outbox(producer, _outbox(items[start : start + CHUNK]))
            await asyncio.sleep(pause)
    finally:
        await producer.stop()


async def write_raw(bootstrap: str, records: Iterable[tuple[int, bytes | None, bytes | None]]) -> None:
    """Writes (partition, key, value) into mentions-raw as they are."""
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        outbox = Outbox()
        for partition, key, value in records:
            outbox.to(MENTIONS_RAW.name, partition).append(OutgoingRecord(key, value, [], int(time.time() * 1000)))
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()


def _outbox(items: list[Scheduled]) -> Outbox:
    outbox = Outbox()
    now = int(time.time() * 1000)
    for item in items:
        outbox.to(MENTIONS_RAW.name, item.partition).append(OutgoingRecord(item.key, encode(item.record), [], now))
    return outbox


def metrics_of(port: int) -> dict[str, float]:
    """The samples that a process serves, by name with labels."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


async def outcome(bootstrap: str) -> Outcome:
    """Reads every topic from its start to its end."""
    flow, undecodable = Flow(), 0
    records: dict[str, list[AnyRecord]] = {topic.name: [] for topic in TOPICS}
    async for read in read_to_end(bootstrap, [topic.name for topic in TOPICS if topic.records]):
        try:
            record = decode(read.value)
        except UndecodableRecord:
            undecodable += 1
            continue
        flow.add(record, (read.topic, read.partition, read.offset))
        records[read.topic].append(record)
    return Outcome(flow, records, undecodable)


async def _keep_running(workers: Workers) -> None:
    while True:
        await asyncio.sleep(0.3)
        workers.keep_running()
