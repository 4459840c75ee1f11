"""The broker ends and starts again under running stages."""

import asyncio
from pathlib import Path

import pytest

from tests.kafka_broker import BrokerIn
from tests.streams.copying import Copying
from tests.streams.record_log import Feed, grows
from tests.streams.summing import Summing
from tests.streams.worker_process import Worker, Workers

pytestmark = pytest.mark.kafka


async def test_a_killed_broker_that_comes_back_costs_nothing(
    tmp_path: Path, broker_in: BrokerIn, workers: Workers
) -> None:
    broker = await asyncio.to_thread(broker_in, tmp_path / "kafka")
    bootstrap = broker.bootstrap
    copying, summing = await Copying(bootstrap, workers).made(), await Summing(bootstrap, workers).made()
    summing.source = copying.source
    async with Feed(bootstrap, copying.source, per_second=500) as feed:
        copier, summer = copying.start(), summing.start()
        await grows(bootstrap, copying.target)
        await grows(bootstrap, summing.target)
        broker.kill()
        assert (await asyncio.to_thread(broker_in, tmp_path / "kafka")).bootstrap == bootstrap
        await asyncio.sleep(2)
        if gave_up(copier):
            copying.start()
        if gave_up(summer):
            summing.start()
    await copying.drained()
    await summing.drained()
    assert set(await copying.copied()) == set(range(feed.written))
    assert await summing.told() == await summing.replayed()


def gave_up(worker: Worker) -> bool:
    """Whether the worker has ended; it may, with one line."""
    if worker.status is None:
        return False
    assert (worker.status, len(worker.errors())) == (70, 1), worker.errors()
    return True
