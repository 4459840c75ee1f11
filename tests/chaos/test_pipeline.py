"""Twenty kills in one run, at seeded moments: the outcome that arithmetic says, and no verdict twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from streams.embedded_broker import BrokerHandle
from tests.kafka_broker import BrokerIn
from tests.pipeline.harness import STAGES, Workers, run_pipeline
from tests.pipeline.test_disturbed import assert_nothing_lost_and_no_verdict_twice
from tests.pipeline.traffic import conversations, records

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
KILLS = 20
KILL_SEED = 20_260


async def test_twenty_kills_lose_nothing_and_repeat_no_verdict(workers: Workers) -> None:
    traffic = conversations(3000, seed=50)
    chance = random.Random(KILL_SEED)

    async def kill(workers: Workers) -> None:
        for number in range(KILLS):
            stage = STAGES[number % len(STAGES)]
            await workers.started(stage)
            await asyncio.sleep(chance.uniform(0.0, 4.0))
            workers.kill(stage)
            workers.start(stage)
            print(f"kill {number + 1} of {KILLS}: {stage}", flush=True)

    ran = await run_pipeline(workers, records(traffic), kill, over_s=100.0)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
    print(
        f"{len(ran.verdicts())} verdicts, repeated on mentions-classified: {len(ran.repeated('mentions-classified'))}"
    )


async def test_three_broker_kills_lose_nothing_and_repeat_no_verdict(
    workers: Workers, own_broker: BrokerHandle, broker_in: BrokerIn
) -> None:
    traffic = conversations(2000, seed=51)
    broker = own_broker

    async def kill_brokers(workers: Workers) -> None:
        nonlocal broker
        for number in range(3):
            await asyncio.sleep(8 + number)
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(2)
            broker = await asyncio.to_thread(broker_in, broker.folder)
            print(f"broker kill {number + 1} of 3", flush=True)

    ran = await run_pipeline(workers, records(traffic), kill_brokers, over_s=60.0)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
