"""Runs stages in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from streams.health import Health
from streams.probes import observed
from streams.settings import Settings

if TYPE_CHECKING:  # Faust takes half a second to load, and 40 MB: not where no stage runs
    from streams.stages import Stage


async def run_stages(
    stages: Sequence[Stage],
    settings: Settings,
    on_started: Callable[[], None] = lambda: None,
    until: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Starts the stages, each its own consumer group; returns after a graceful stop (SIGTERM, SIGINT, or `until`)."""
    from streams.stages import RunningStage

    collect_garbage_seldom()
    running = [RunningStage(stage, settings, time.time) for stage in stages]
    health = Health()
    for stage in running:
        health.expect(stage.stage.name, stage.problem)
    stopped = asyncio.create_task((until or stop_signal)())
    async with observed(settings, health):
        for stage in running:
            await stage.start()
        health.started()
        on_started()
        await stopped
        health.stopping()
        await asyncio.gather(*(stage.stop() for stage in running))


def collect_garbage_seldom() -> None:
    """Records make no cycles, but a batch of them makes Python look for some hundreds of times: a fifth of the CPU of
    the classify stage, measured by `python -m bench stage`. What is loaded by now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def stop_signal() -> None:
    """Returns at the first SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
