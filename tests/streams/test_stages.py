"""A stateless stage's promises, on a real Kafka: every record is handled, in order, and not again without need."""

import asyncio
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from streams.record_batches import Outbox, RecordBatch
from streams.settings import Settings
from streams.stages import RunningStage, Stage
from streams.topics import apply_topics
from tests.streams.copying import Copying
from tests.streams.record_log import (
    Feed,
    committed,
    grows,
    joined,
    make,
    new_topic,
    numbered,
    numbers_by_key,
    read,
    unique,
    until,
    values,
    write,
)
from tests.streams.worker_process import Workers
from tests.streams.worker_relay import hand_over

pytestmark = pytest.mark.kafka
STOPS_IN_A_ROW = 11


@pytest.fixture
async def copying(bootstrap: str, workers: Workers) -> Copying:
    return await Copying(bootstrap, workers).made()


async def test_every_record_of_every_partition_is_handled_in_order(bootstrap: str, copying: Copying) -> None:
    await write(bootstrap, copying.source, numbered(range(8000)))
    worker = copying.start()
    await copying.drained()
    assert await worker.stop() == 0
    assert values(await read(bootstrap, copying.target)) == values(await read(bootstrap, copying.source))


async def test_nothing_is_committed_before_it_is_written(bootstrap: str, copying: Copying, tmp_path: Path) -> None:
    await write(bootstrap, copying.source, numbered(range(400)))
    may_write = tmp_path / "writes"
    copying.start(hold_writes=may_write)
    await until(lambda: _exists(tmp_path / "writes.waiting"), "a batch has been decided")
    await asyncio.sleep(1.5)  # five times the commit interval
    assert await committed(bootstrap, copying.stage, copying.source) == {0: 0, 1: 0, 2: 0, 3: 0}
    may_write.touch()
    await copying.drained()
    assert await copying.copied() == list(range(400))


async def test_graceful_restarts_under_load_lose_nothing_and_repeat_nothing(bootstrap: str, copying: Copying) -> None:
    async with Feed(bootstrap, copying.source, per_second=1500) as feed:
        following = copying.start(wait=True)
        for _ in range(STOPS_IN_A_ROW):
            worker, following = following, copying.start(wait=True)
            worker.go()
            await grows(bootstrap, copying.target, by=500)
            assert await worker.stop() == 0, worker.errors()
    following.go()
    await copying.drained()
    assert await copying.copied() == list(range(feed.written))


async def test_a_kill_under_load_loses_nothing_and_keeps_the_order_of_each_key(
    bootstrap: str, copying: Copying
) -> None:
    async with Feed(bootstrap, copying.source, per_second=1500) as feed:
        worker = copying.start()
        await grows(bootstrap, copying.target, by=random.Random(4).randrange(500, 2000))
        worker.kill()
        copying.start()
        await grows(bootstrap, copying.target)
    await copying.drained()
    assert set(await copying.copied()) == set(range(feed.written))
    keyed = numbers_by_key(await read(bootstrap, copying.target))
    assert keyed == numbers_by_key(await read(bootstrap, copying.source))


async def test_workers_that_join_and_leave_lose_nothing_and_repeat_nothing(bootstrap: str, copying: Copying) -> None:
    await hand_over(copying, times=3)
    assert values(await read(bootstrap, copying.target)) == values(await read(bootstrap, copying.source))


async def test_a_worker_without_partitions_stays_and_takes_over(bootstrap: str) -> None:
    stage = Stage(unique("idle"), new_topic("source"), decide=_nothing)
    await apply_topics(bootstrap, partitions=1, replication=1, topics=[stage.source])
    running = [RunningStage(stage, Settings(bootstrap=bootstrap), time.time) for _ in range(2)]
    try:
        for worker in running:
            worker.app.conf.broker_max_poll_interval = 2.0  # a worker that fetches nothing for so long is sent away
            await worker.start()
        await joined(bootstrap, stage.name, members=2)
        await asyncio.sleep(4)
        await joined(bootstrap, stage.name, members=2)
        waiting, working = sorted(running, key=lambda worker: len(worker.owned_partitions()))
        assert await _owns(working)
        await working.stop()
        await until(lambda: _owns(waiting), "taken over")
    finally:
        for worker in running:
            await worker.stop()


async def test_an_error_in_the_rule_ends_the_process_with_one_line_and_the_batch_comes_again(
    bootstrap: str, copying: Copying, tmp_path: Path
) -> None:
    await write(bootstrap, copying.source, numbered(range(400)))
    failing = copying.start(fail_at="77", failed=tmp_path / "failed")
    assert await failing.ended() == 70
    assert failing.errors() == [
        f"tenfour: ended while {copying.stage} handled partition {await _partition_of(copying, b'77')}: "
        "ArithmeticError: this number does not add up"
    ]
    copying.start(fail_at="77", failed=tmp_path / "failed")
    await copying.drained()
    assert set(await copying.copied()) == set(range(400))


async def test_a_stage_whose_write_fails_ends_and_has_acknowledged_nothing(bootstrap: str, copying: Copying) -> None:
    copying.target = replace(new_topic("narrow"), max_message_bytes=1000)
    await make(bootstrap, copying.target)
    await write(bootstrap, copying.source, [(b"key", b"%05d" % number) for number in range(200)])
    worker = copying.start()
    assert await worker.ended() == 70
    assert worker.errors()[0].startswith(f"tenfour: ended while writing what {copying.stage} decided: WriteFailed: ")
    assert copying.target.name in worker.errors()[0]
    assert await committed(bootstrap, copying.stage, copying.source) == {0: 0, 1: 0, 2: 0, 3: 0}


async def _nothing(batch: RecordBatch) -> list[Outbox]:
    return []


async def _owns(worker: RunningStage) -> bool:
    return worker.owned_partitions() == {0}


async def _exists(path: Path) -> bool:
    return path.exists()


async def _partition_of(copying: Copying, value: bytes) -> int:
    found = values(await read(copying.bootstrap, copying.source))
    return next(partition for partition, inside in found.items() if value in inside)
