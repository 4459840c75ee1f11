"""Kills of workers and brokers in one run, at seeded moments: the outcome that arithmetic says, no verdict twice, and a
log that says the same when it is folded again."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from streams.embedded_broker import BrokerHandle
from tests.kafka_broker import BrokerIn
from tests.pipeline.harness import STAGES, Workers, run_pipeline
from tests.pipeline.test_disturbed import assert_nothing_lost_and_no_verdict_twice
from tests.pipeline.test_sla_replay import sla_replay
from tests.pipeline.traffic import conversations, records

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]
KILLS = 25
BROKER_KILLS = 3
SEED = 20_260


async def test_25_kills_and_three_broker_kills_lose_nothing_repeat_no_verdict_and_replay_equal(
    workers: Workers, own_broker: BrokerHandle, broker_in: BrokerIn
) -> None:
    traffic = conversations(4000, seed=50)
    chance = random.Random(SEED)
    before_broker_kills = sorted(chance.sample(range(2, KILLS), BROKER_KILLS))
    broker = own_broker

    async def kill(workers: Workers) -> None:
        nonlocal broker
        for number in range(KILLS):
            stage = STAGES[number % len(STAGES)]
            await workers.started(stage)
            await asyncio.sleep(chance.uniform(0.0, 4.0))
            if number in before_broker_kills:
                await asyncio.to_thread(broker.kill)
                await asyncio.sleep(2)
                broker = await asyncio.to_thread(broker_in, broker.folder)
                print("the broker was killed", flush=True)
            workers.kill(stage)
            workers.start(stage)
            print(f"kill {number + 1} of {KILLS}: {stage}", flush=True)

    ran = await run_pipeline(workers, records(traffic), kill, over_s=150.0)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
    again = sla_replay(workers, "--json")
    assert (again.status, json.loads(again.out)) == (
        0,
        {"equal": len(ran.events()), "different": 0, "not_comparable_cycles": 0, "differences": []},
    )
    print(
        f"{len(ran.verdicts())} verdicts, {len(ran.events())} events equal in the replay; "
        f"repeated on mentions-classified: {len(ran.repeated('mentions-classified'))}"
    )
