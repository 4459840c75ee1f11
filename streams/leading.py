"""A stage of which one process works at a time: for what is not a matter of single partitions.

The consumer group shares out a topic only to find who leads: whoever has its first partition. What the work needs it
reads itself. Around a rebalance two may lead for a moment, so what a leader writes must bear being written twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from streams.record_batches import Outbox, RecordBatch
from streams.stages import RunningStage, Stage
from streams.topics import Topic

FIRST: Final = 0
"""The partition whose owner leads."""
LOOK_EVERY_S: Final = 0.5


def leads(running: RunningStage) -> bool:
    """Whether this process is the one."""
    return FIRST in running.owned_partitions()


def leading_stage(name: str, shared: Topic, lead: Callable[[RunningStage], Awaitable[None]]) -> Stage:
    """`lead` begins anew each time this process comes to lead, and returns when it no longer does."""

    async def wait_and_lead(running: RunningStage) -> None:
        while True:
            if leads(running):
                await lead(running)
            await asyncio.sleep(LOOK_EVERY_S)

    return Stage(name, shared, decide=_nothing, background=wait_and_lead)


async def _nothing(batch: RecordBatch) -> Sequence[Outbox]:  # noqa: ARG001
    return []
