"""Broker and stages as `tenfour up` has them, on a folder of their own."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.scratch_broker import Say
from streams.embedded_broker import start_broker
from streams.settings import PREFIX, Settings
from streams.supervise import Supervisor
from streams.topics import apply_topics
from tenfour.local_pipeline import local_pipeline


@asynccontextmanager
async def running_pipeline(say: Say, *, with_model: bool = True) -> AsyncIterator[Settings]:
    """Gives the settings of its processes. Without the model, the classify stage has its readings beforehand."""
    with tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder:
        if with_model:
            async with local_pipeline(Settings(data=Path(folder)), Path(folder), say) as pipeline:
                yield pipeline.settings
        else:
            async with _without_model(Path(folder), say) as settings:
                yield settings


@asynccontextmanager
async def _without_model(folder: Path, say: Say) -> AsyncIterator[Settings]:
    broker = await asyncio.to_thread(start_broker, folder, progress=say)
    settings = Settings(bootstrap=broker.bootstrap)
    try:
        await apply_topics(broker.bootstrap, partitions=settings.partitions, replication=settings.replication)
        supervisor = Supervisor(
            [
                ("classify", [sys.executable, "-m", "bench.classify_without_model"]),
                ("route and deadlines", [sys.executable, "-m", "tenfour.main", "run", "route", "deadlines"]),
            ],
            environ={**os.environ, f"{PREFIX}BOOTSTRAP": broker.bootstrap},
            on_line=lambda name, line: say(f"{name}: {line}"),
        )
        await supervisor.start()
        try:
            yield settings
        finally:
            await supervisor.stop()
    finally:
        await asyncio.to_thread(broker.stop)
