"""The same outcome, whatever happens to the processes."""

from __future__ import annotations

import asyncio
import random

from streams.embedded_broker import BrokerHandle
from tests.kafka_broker import BrokerIn
from tests.pipeline.harness import STAGES, Outcome, Workers, run_pipeline
from tests.pipeline.traffic import Conversation, conversations, records

LOAD_S = 14.0


def assert_nothing_lost_and_no_verdict_twice(ran: Outcome, traffic: list[Conversation]) -> None:
    assert len(ran.flow.ingested) == len(traffic)
    assert set(ran.flow.classified) == ran.flow.ingested
    assert not ran.flow.gaps()
    assert not ran.flow.dead
    assert ran.verdicts() == {conversation.key: conversation.verdict for conversation in traffic}
    assert not ran.repeated_events()


async def test_each_stage_killed_once_under_load_loses_nothing_and_repeats_no_verdict(workers: Workers) -> None:
    traffic = conversations(500, seed=10)
    chance = random.Random("kill each stage once")

    async def kill(workers: Workers) -> None:
        for stage in chance.sample(STAGES, len(STAGES)):
            await workers.started(stage)
            await asyncio.sleep(chance.uniform(1.0, 4.0))
            workers.kill(stage)
            workers.start(stage)

    ran = await run_pipeline(workers, records(traffic), kill, over_s=LOAD_S)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)


async def test_eleven_graceful_restarts_repeat_nothing_at_all(workers: Workers) -> None:
    traffic = conversations(500, seed=20)

    async def restart(workers: Workers) -> None:
        for number in range(11):
            stage = STAGES[number % len(STAGES)]
            await workers.started(stage)
            await asyncio.sleep(0.5)
            await workers.stop(stage)
            workers.start(stage)

    ran = await run_pipeline(workers, records(traffic), restart, over_s=25.0, restart=False)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
    for topic in ("mentions-classified", "mentions-routed", "sla-timer", "sla-events"):
        assert not ran.repeated(topic), topic


async def test_workers_that_join_and_leave_share_the_work_without_loss(workers: Workers) -> None:
    traffic = conversations(500, seed=30)

    async def join_and_leave(workers: Workers) -> None:
        await asyncio.sleep(5)
        for stage in STAGES:
            workers.start(f"{stage}-2")
        for stage in STAGES:
            await workers.started(f"{stage}-2")
        await asyncio.sleep(3)
        for stage in STAGES:
            await workers.stop(stage)

    ran = await run_pipeline(workers, records(traffic), join_and_leave, over_s=22.0, restart=False)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
    assert not ran.repeated("sla-timer")


async def test_a_broker_restart_in_the_middle_loses_nothing(
    workers: Workers, own_broker: BrokerHandle, broker_in: BrokerIn
) -> None:
    traffic = conversations(500, seed=40)

    async def restart_broker(workers: Workers) -> None:
        await asyncio.sleep(6)
        folder = own_broker.folder
        await asyncio.to_thread(own_broker.kill)
        await asyncio.sleep(2)
        again = await asyncio.to_thread(broker_in, folder)
        assert again.bootstrap == workers.bootstrap

    ran = await run_pipeline(workers, records(traffic), restart_broker, over_s=LOAD_S)
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
