"""Runs stages in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from streams.metrics import serve_metrics
from streams.settings import Settings
from streams.stages import RunningStage, Stage


async def run_stages(
    stages: Sequence[Stage],
    settings: Settings,
    on_started: Callable[[], None] = lambda: None,
    until: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Starts the stages, each its own consumer group; returns after a graceful stop (SIGTERM, SIGINT, or `until`)."""
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    running = [RunningStage(stage, settings, time.time) for stage in stages]
    stopped = asyncio.create_task((until or stop_signal)())
    for stage in running:
        await stage.start()
    on_started()
    await stopped
    for stage in running:
        await stage.stop()


async def stop_signal() -> None:
    """Returns at the first SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
