"""A stateless stage's promises, on a real Kafka: every record is handled, in order, and not again without need."""

import asyncio
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.streams.copying import Copying
from tests.streams.record_log import (
    Feed,
    committed,
    grows,
    make,
    new_topic,
    numbered,
    numbers_by_key,
    read,
    until,
    values,
    write,
)
from tests.streams.worker_process import Workers

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


async def test_kills_under_load_lose_nothing_and_keep_the_order_of_each_key(bootstrap: str, copying: Copying) -> None:
    rng = random.Random(4)
    async with Feed(bootstrap, copying.source, per_second=1500) as feed:
        for _ in range(2):
            worker = copying.start()
            await grows(bootstrap, copying.target)
            await asyncio.sleep(rng.uniform(0.2, 1.5))
            worker.kill()
        worker = copying.start()
        await grows(bootstrap, copying.target)
    await copying.drained()
    assert set(await copying.copied()) == set(range(feed.written))
    keyed = numbers_by_key(await read(bootstrap, copying.target))
    assert keyed == numbers_by_key(await read(bootstrap, copying.source))


async def test_workers_that_join_and_leave_lose_nothing_and_repeat_nothing(bootstrap: str, copying: Copying) -> None:
    async with Feed(bootstrap, copying.source, per_second=1500) as feed:
        first = copying.start()
        await grows(bootstrap, copying.target)
        second = copying.start()
        await asyncio.sleep(5)
        assert await first.stop() == 0
        third = copying.start()
        await asyncio.sleep(5)
        assert await second.stop() == 0
        await grows(bootstrap, copying.target)
    await copying.drained()
    assert third.status is None
    assert await copying.copied() == list(range(feed.written))
    keyed = numbers_by_key(await read(bootstrap, copying.target))
    assert keyed == numbers_by_key(await read(bootstrap, copying.source))


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


async def test_a_worker_that_slept_past_its_session_loses_nothing(bootstrap: str, copying: Copying) -> None:
    async with Feed(bootstrap, copying.source, per_second=500) as feed:
        sleeper = copying.start()
        await grows(bootstrap, copying.target)
        sleeper.send(signal.SIGSTOP)
        copying.start()
        await grows(bootstrap, copying.target, by=500)
        sleeper.send(signal.SIGCONT)
        await grows(bootstrap, copying.target, by=500)
    await copying.drained()
    assert set(await copying.copied()) == set(range(feed.written))


async def _exists(path: Path) -> bool:
    return path.exists()


async def _partition_of(copying: Copying, value: bytes) -> int:
    found = values(await read(copying.bootstrap, copying.source))
    return next(partition for partition, inside in found.items() if value in inside)
