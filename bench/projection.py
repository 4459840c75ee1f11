"""`projection`: how fast `tenfour project` writes a backlog of all records into the read model."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

import psutil
from sqlalchemy import Engine, func, select

from bench.desk_traffic import busy_day
from bench.processes import cpu_s, end, most_memory_mb
from bench.report import Table
from bench.scratch_broker import Say, own_broker
from bench.scratch_postgresql import NoPostgresql, scratch_database, scratch_postgresql
from bench.watching import Stuck
from bench.whole_log import Written
from console.column_rules import FROM_THE_LOG
from console.database import open_database
from console.migrate import upgrade
from console.project_records import READ
from console.tables import READ_TO
from schemas.codecs import start_of
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import PREFIX
from streams.topics import apply_topics
from streams.writing import new_producer, write_outbox

PARTITIONS: Final = 8
CONVERSATIONS: Final = 20_000
QUICK_CONVERSATIONS: Final = 1_000
ROUNDS: Final = 3
AIM: Final = "5,000"
LOOK_S: Final = 0.05
LONGEST_S: Final = 600.0
AT_ONCE: Final = 20_000


@dataclass(frozen=True)
class Run:
    """One backlog into an empty database."""

    per_second: float
    cpu_us: float
    memory_mb: float | None
    rows: int


def bench_projection(quick: bool, say: Say) -> Table:
    say("making up a day at the desk")
    records = _read_by_the_projector(busy_day(QUICK_CONVERSATIONS if quick else CONVERSATIONS))
    rounds = 1 if quick else ROUNDS
    with own_broker(say) as bootstrap:
        say(f"writing {len(records):,} records")
        asyncio.run(_fill(bootstrap, records))
        runs = {"SQLite": _runs(bootstrap, None, len(records), rounds, say)}
        try:
            with scratch_postgresql() as server:
                runs["PostgreSQL"] = _runs(bootstrap, server, len(records), rounds, say)
        except NoPostgresql as none:
            say(str(none))
    return Table(
        "projection",
        "python -m bench projection",
        _notes(records, rounds),
        ("", "events/s, median", "all runs", "aimed at", "CPU µs an event", "most memory MB", "rows in the end"),
        [_row(name, found) for name, found in runs.items()],
    )


def _read_by_the_projector(records: Sequence[Written]) -> list[Written]:
    """Without what it passes over, so that an offset is an event."""
    begins = {topic: tuple(map(start_of, kinds)) for topic, kinds in READ.items()}
    return [one for one in records if one.key is not None and (one.value or b"").startswith(begins[one.topic])]


async def _fill(bootstrap: str, records: Sequence[Written]) -> None:
    await apply_topics(bootstrap, partitions=PARTITIONS, replication=1)
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        for begin in range(0, len(records), AT_ONCE):
            outbox, now = Outbox(), int(time.time() * 1000)  # as intake says: retention counts from then
            for record in records[begin : begin + AT_ONCE]:
                to = outbox.to(record.topic, partition_of(record.key or b"", PARTITIONS))
                to.append(OutgoingRecord(record.key, record.value, [], now))
            await write_outbox(producer, outbox)
    finally:
        await producer.stop()


def _runs(bootstrap: str, server: str | None, events: int, rounds: int, say: Say) -> list[Run]:
    runs = []
    for number in range(rounds):
        with _database(server, number) as url:
            runs.append(_run(bootstrap, url, events))
        say(f"{'SQLite' if server is None else 'PostgreSQL'}: {runs[-1].per_second:,.0f} events/s")
    return runs


@contextmanager
def _database(server: str | None, number: int) -> Iterator[str]:
    if server is not None:
        with scratch_database(server, f"bench_{number}") as url:
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder:
        yield f"sqlite:///{folder}/desk.db"


def _run(bootstrap: str, url: str, events: int) -> Run:
    engine = open_database(url)
    upgrade(engine)
    process = _started(bootstrap, url)
    try:
        began, first = _until(engine, process, 1)
        cpu = cpu_s(process)
        ended, _ = _until(engine, process, events)
        spent = cpu_s(process) - cpu
        rows = _rows(engine)
        return Run((events - first) / (ended - began), spent / (events - first) * 1e6, most_memory_mb(process), rows)
    finally:
        end(process)
        engine.dispose()


def _started(bootstrap: str, url: str) -> psutil.Popen:
    settings = {
        f"{PREFIX}BOOTSTRAP": bootstrap,
        f"{PREFIX}PARTITIONS": str(PARTITIONS),
        f"{PREFIX}DATABASE": url,
    }
    return psutil.Popen(
        [sys.executable, "-m", "tenfour.main", "project"],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _until(engine: Engine, process: psutil.Popen, events: int) -> tuple[float, int]:
    """When at least so many events were committed, on a monotonic clock, and how many. Raises Stuck."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until and process.poll() is None:
        with engine.connect() as connection:
            read = connection.execute(select(func.sum(READ_TO.c.next_offset))).scalar_one() or 0
        if read >= events:
            return time.monotonic(), int(read)
        time.sleep(LOOK_S)
    raise Stuck(f"{read} of {events} events are in the rows")


def _rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in FROM_THE_LOG)


def _row(name: str, runs: Sequence[Run]) -> list[str]:
    memory = [run.memory_mb for run in runs if run.memory_mb is not None]
    return [
        name,
        f"{median(run.per_second for run in runs):,.0f}",
        ", ".join(f"{run.per_second:,.0f}" for run in runs),
        AIM,
        f"{median(run.cpu_us for run in runs):.0f}",
        f"{max(memory):.0f}" if memory else "",
        f"{runs[-1].rows:,}",
    ]


def _notes(records: Sequence[Written], rounds: int) -> list[str]:
    kinds = Counter(record.topic for record in records)
    return [
        f"Events: {len(records):,} records that a day at the desk leaves on the topics that are read, made by the "
        f"stages' own rules: {', '.join(f'{number:,} of `{topic}`' for topic, number in kinds.most_common())}.",
        f"One process of `tenfour project` on {PARTITIONS} partitions, as a user runs it; all events stand there "
        f"before it starts. {rounds} rounds, each into a new database. Timed from its first commit to its last.",
        "PostgreSQL is Debian's with its own settings, on the same machine; both databases write to disk. CPU is that "
        "of the process, without the server's.",
    ]
