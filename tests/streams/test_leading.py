"""A stage of which one process works: one leads, and another takes over when it is gone."""

from __future__ import annotations

import asyncio
import time

import pytest

from streams.leading import leading_stage, leads
from streams.settings import Settings
from streams.stages import RunningStage
from tests.streams.record_log import make, new_topic, unique, until

pytestmark = pytest.mark.kafka


async def test_one_of_several_leads_and_another_takes_over_when_it_stops(bootstrap: str) -> None:
    topic, name = new_topic("shared"), unique("leading")
    await make(bootstrap, topic)
    leading: set[RunningStage] = set()

    async def lead(running: RunningStage) -> None:
        leading.add(running)
        while leads(running):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        leading.discard(running)

    async def one_leads() -> bool:
        return len(leading) == 1

    stages = [
        RunningStage(leading_stage(name, topic, lead), Settings(bootstrap=bootstrap), time.time) for _ in range(2)
    ]
    for stage in stages:
        await stage.start()
    await until(one_leads, "one leads")
    await asyncio.sleep(1)
    assert len(leading) == 1
    (first,) = leading
    await first.stop()
    leading.discard(first)
    await until(one_leads, "the other leads")
    assert first not in leading
    await leading.pop().stop()
