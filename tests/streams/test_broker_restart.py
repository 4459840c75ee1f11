"""The broker ends and starts again under running stages."""

import asyncio
from pathlib import Path

import pytest

from tests.kafka_broker import BrokerIn
from tests.streams.copying import Copying
from tests.streams.record_log import Feed, grows
from tests.streams.summing import Summing
from tests.streams.worker_process import Workers

pytestmark = pytest.mark.kafka


async def test_a_killed_broker_that_comes_back_costs_nothing(
    tmp_path: Path, broker_in: BrokerIn, workers: Workers
) -> None:
    broker = await asyncio.to_thread(broker_in, tmp_path / "kafka")
    bootstrap = broker.bootstrap
    copying, summing = await Copying(bootstrap, workers).made(), await Summing(bootstrap, workers).made()
    summing.source = copying.source
    async with Feed(bootstrap, copying.source, per_second=500) as feed:
        running = {copying: copying.start(), summing: summing.start()}
        await grows(bootstrap, copying.target)
        await grows(bootstrap, summing.target)
        broker.kill()
        assert (await asyncio.to_thread(broker_in, tmp_path / "kafka")).bootstrap == bootstrap
        await asyncio.sleep(2)
        for stage, worker in running.items():
            if worker.status is not None:  # it may give up, with a word
                assert (worker.status, len(worker.errors())) == (70, 1), worker.errors()
                stage.start()
    await copying.drained()
    await summing.drained()
    assert set(await copying.copied()) == set(range(feed.written))
    assert await summing.told() == await summing.replayed()
