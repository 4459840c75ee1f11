"""Why windows of counts are not in Faust's own tables: what those do with replayed time, and with a crash.

A version of Faust that fails here may be worth another look.
"""

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from streams.reading import read_to_end
from streams.topics import Topic, apply_topics, partition_counts
from tests.streams.record_log import holds, new_topic, unique, until, write
from tests.streams.worker_process import Worker, Workers

pytestmark = pytest.mark.kafka
LONG_AGO = datetime(2018, 5, 2, 16, 15, tzinfo=UTC).timestamp()
CLEANUP_S = 0.5
ATTEMPTS = 3
RECOVERY_S = 60


class Table:
    """A table of Faust's over a source topic of one partition."""

    def __init__(self, bootstrap: str, workers: Workers) -> None:
        self.bootstrap, self._workers = bootstrap, workers
        self.app, self.source = unique("table"), new_topic("source")

    async def made(self) -> "Table":
        await apply_topics(self.bootstrap, partitions=1, replication=1, topics=[self.source])
        return self

    def start(self, **arguments: object) -> Worker:
        words = {"bootstrap": self.bootstrap, "app": self.app, "source": self.source.name}
        return self._workers.start("count_in_table", words | arguments)

    async def count(self, ones: int) -> None:
        """Writes so many ones, to be counted."""
        await write(self.bootstrap, self.source, [(b"all", b"1")] * ones, partitions=1)

    async def changes(self, count: int) -> None:
        """Returns when the table has written so many changes."""
        changelog = Topic(f"{self.app}-counts-changelog", "a window", (), "a test", None)
        await until(lambda: self._exists(changelog.name), "the table's changelog")
        await holds(self.bootstrap, changelog, count, partitions=1)

    async def counted(self) -> set[int]:
        """What the table says of its windows now."""
        last: dict[bytes, int] = {}
        async for record in read_to_end(self.bootstrap, [f"{self.app}-counts-changelog"]):
            last[record.key] = json.loads(record.value)
        return set(last.values())

    async def _exists(self, topic: str) -> bool:
        return topic in await partition_counts(self.bootstrap)


@pytest.fixture
async def table(bootstrap: str, workers: Workers) -> Table:
    return await Table(bootstrap, workers).made()


@pytest.mark.parametrize(("at", "counted"), [(LONG_AGO, 1), (time.time(), 2)], ids=["replayed", "live"])
async def test_a_window_of_replayed_time_is_dropped_by_the_wall_clock_while_it_counts(
    table: Table, at: float, counted: int
) -> None:
    table.start(at=at, cleanup_s=CLEANUP_S)
    await table.count(1)
    await table.changes(2)  # each count lies in two windows
    await asyncio.sleep(6 * CLEANUP_S)
    await table.count(1)
    await table.changes(4)
    assert await table.counted() == {counted}


async def test_what_a_crash_repeats_is_counted_twice(table: Table) -> None:
    at = time.time()  # the same windows, whenever the second worker starts
    worker = table.start(commit_s=60, at=at)
    await table.count(100)
    await table.changes(200)
    worker.kill()
    await started_again(table, at, changes=400)
    assert await table.counted() == {200}


async def started_again(table: Table, at: float, changes: int) -> None:
    """Faust's own recovery of a table now and then never ends, and nothing is counted: then it is killed once more."""
    for _ in range(ATTEMPTS):
        worker = table.start(commit_s=60, at=at)
        with suppress(TimeoutError):
            async with asyncio.timeout(RECOVERY_S):
                return await table.changes(changes)
        worker.kill()
    pytest.fail(f"Faust did not recover in {ATTEMPTS} attempts of {RECOVERY_S} s")
