"""The transport's promises against many kills, freezes and restarts, at seeded moments."""

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka_broker import BrokerIn
from tests.streams.copying import Copying
from tests.streams.record_log import Feed, grows, joined, numbers_by_key, read, values
from tests.streams.summing import Summing
from tests.streams.worker_process import Workers

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.timeout(600)]
KILLS = 8
STOPS_IN_A_ROW = 11
SEEDS = (1, 2, 3)


@pytest.fixture
def transport_workers(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(tmp_path)
    yield workers
    workers.end()


@pytest.fixture
async def copying(bootstrap: str, transport_workers: Workers) -> Copying:
    return await Copying(bootstrap, transport_workers).made()


@pytest.fixture
async def summing(bootstrap: str, transport_workers: Workers) -> Summing:
    return await Summing(bootstrap, transport_workers).made()


async def all_is_there(copying: Copying, feed: Feed) -> None:
    """Nothing lost, the order of each key kept; says how much came twice."""
    await copying.drained()
    copied = await copying.copied()
    print(f"\n{feed.written} written, {len(copied) - feed.written} of them twice")
    assert set(copied) == set(range(feed.written))
    keyed = numbers_by_key(await read(copying.bootstrap, copying.target))
    assert keyed == numbers_by_key(await read(copying.bootstrap, copying.source))


async def all_is_there_once(summing: Summing) -> None:
    await summing.drained()
    assert await summing.told() == await summing.replayed()


async def test_many_kills_lose_nothing(bootstrap: str, copying: Copying) -> None:
    rng = random.Random(1)
    async with Feed(bootstrap, copying.source, per_second=1000) as feed:
        for _ in range(KILLS):
            worker = copying.start()
            await grows(bootstrap, copying.target, by=rng.randrange(1, 3000))
            worker.kill()
        copying.start()
        await grows(bootstrap, copying.target)
    await all_is_there(copying, feed)


async def test_many_kills_show_everything_once(bootstrap: str, summing: Summing) -> None:
    rng = random.Random(2)
    async with Feed(bootstrap, summing.source, per_second=1000):
        for _ in range(KILLS):
            worker = summing.start()
            await grows(bootstrap, summing.target, by=rng.randrange(1, 3000))
            worker.kill()
        summing.start()
        await grows(bootstrap, summing.target)
    await all_is_there_once(summing)


async def test_graceful_restarts_in_a_row_show_everything_once(bootstrap: str, summing: Summing) -> None:
    async with Feed(bootstrap, summing.source, per_second=1000):
        for _ in range(STOPS_IN_A_ROW):
            worker = summing.start()
            await grows(bootstrap, summing.target, by=300)
            assert await worker.stop() == 0, worker.errors()
        summing.start()
        await grows(bootstrap, summing.target)
    await all_is_there_once(summing)


@pytest.mark.parametrize("per_second", [20, 150, 1500])
async def test_workers_that_join_and_leave_at_any_pace_lose_nothing_and_repeat_nothing(
    bootstrap: str, copying: Copying, per_second: int
) -> None:
    async with Feed(bootstrap, copying.source, per_second):
        staying = [copying.start()]
        for members in (2, 3, 2, 3, 2, 3):
            staying.append(copying.start())
            await joined(bootstrap, copying.stage, members)
            await grows(bootstrap, copying.target, by=per_second)
            if members == 3:
                for leaving in (staying.pop(0), staying.pop(0)):
                    assert await leaving.stop() == 0, leaving.errors()
        await grows(bootstrap, copying.target)
    await copying.drained()
    assert values(await read(bootstrap, copying.target)) == values(await read(bootstrap, copying.source))


async def test_a_worker_that_sleeps_past_its_session_loses_nothing(bootstrap: str, copying: Copying) -> None:
    async with Feed(bootstrap, copying.source, per_second=300) as feed:
        sleeper = copying.start()
        await grows(bootstrap, copying.target)
        sleeper.send(signal.SIGSTOP)
        copying.start()
        await grows(bootstrap, copying.target, by=500)
        sleeper.send(signal.SIGCONT)
        await joined(bootstrap, copying.stage, members=2)
        await grows(bootstrap, copying.target, by=500)
    await all_is_there(copying, feed)


@pytest.mark.parametrize("seed", SEEDS)
async def test_zombies_that_wake_at_any_moment_show_nothing_twice(
    bootstrap: str, summing: Summing, seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    async with Feed(bootstrap, summing.source, per_second=500):
        moment = rng.choice(["written", "with offsets", "committed"])
        zombie = summing.start(signal="SIGSTOP", moment=moment, nth=rng.randrange(2, 40), struck=tmp_path / "struck")
        await zombie.frozen()
        summing.start()
        await grows(bootstrap, summing.target)
        await asyncio.sleep(rng.uniform(0, 3))
        zombie.send(signal.SIGCONT)
        await grows(bootstrap, summing.target, by=500)
    await all_is_there_once(summing)
    assert zombie.status in (None, 70), zombie.errors()


async def test_a_broker_that_is_away_for_long_costs_nothing(
    tmp_path: Path, broker_in: BrokerIn, transport_workers: Workers
) -> None:
    broker = await asyncio.to_thread(broker_in, tmp_path / "kafka")
    copying = await Copying(broker.bootstrap, transport_workers).made()
    summing = await Summing(broker.bootstrap, transport_workers).made()
    summing.source = copying.source
    async with Feed(broker.bootstrap, copying.source, per_second=500) as before:
        copier, summer = copying.start(), summing.start()
        await grows(broker.bootstrap, copying.target, by=1000)
        await grows(broker.bootstrap, summing.target, by=1000)
    broker.kill()
    await asyncio.sleep(50)
    await asyncio.to_thread(broker_in, tmp_path / "kafka")
    if copier.status is not None:
        assert (copier.status, len(copier.errors())) == (70, 1), copier.errors()
        copying.start()
    if summer.status is not None:
        assert (summer.status, len(summer.errors())) == (70, 1), summer.errors()
        summing.start()
    print("\ngave up:", copier.errors() + summer.errors())
    await all_is_there(copying, before)
    await all_is_there_once(summing)


async def test_workers_end_in_order_though_the_broker_is_away(
    tmp_path: Path, broker_in: BrokerIn, transport_workers: Workers
) -> None:
    broker = await asyncio.to_thread(broker_in, tmp_path / "kafka")
    copying = await Copying(broker.bootstrap, transport_workers).made()
    worker = copying.start()
    await joined(broker.bootstrap, copying.stage, members=1)
    broker.kill()
    async with asyncio.timeout(10):
        assert await worker.stop() == 0
    assert worker.errors() == []
