"""The whole pipeline on one machine: the broker, the topics, and the stages as supervised processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.registry import STAGES
from streams.embedded_broker import BrokerHandle, start_broker
from streams.settings import PREFIX, Settings
from streams.supervise import Supervisor
from streams.topics import MENTIONS_CLASSIFIED, MENTIONS_RAW, SLA_TIMER, apply_topics

PROCESSES = (("classify", ("classify",)), ("route and deadlines", ("route", "deadlines")))
"""Which stages share a process: the model has one to itself."""
SOURCES = (
    ("classify", "tenfour-classify", MENTIONS_RAW.name),
    ("route", "tenfour-route", MENTIONS_CLASSIFIED.name),
    ("deadlines", "tenfour-deadlines", SLA_TIMER.name),
)
"""(stage, consumer group, source topic), in the pipeline's order."""

assert {stage for _, stages in PROCESSES for stage in stages} == set(STAGES)


@dataclass(frozen=True)
class LocalPipeline:
    """A running pipeline. `settings` are those of its processes, with the broker's address."""

    settings: Settings
    supervisor: Supervisor
    metrics_ports: dict[str, int]


@asynccontextmanager
async def local_pipeline(
    settings: Settings, folder: Path, say: Callable[[str], None], *, with_gateway: bool = False
) -> AsyncIterator[LocalPipeline]:
    """Starts everything and stops it in order. Without `settings.bootstrap` the embedded broker runs on `folder`."""
    broker: BrokerHandle | None = None
    if not settings.bootstrap:
        broker = await asyncio.to_thread(start_broker, folder, progress=say)
        settings = settings.model_copy(update={"bootstrap": broker.bootstrap})
    try:
        say("topics ...")
        await apply_topics(settings.bootstrap, partitions=settings.partitions, replication=settings.replication)
        say("stages ...")
        ports = {
            name: settings.metrics_port + place for place, (name, _) in enumerate(PROCESSES) if settings.metrics_port
        }
        supervisor = Supervisor(_commands(ports, with_gateway), environ=_environment(settings))
        await supervisor.start()
        try:
            yield LocalPipeline(settings, supervisor, ports)
        finally:
            await supervisor.stop()
    finally:
        if broker is not None:
            await asyncio.to_thread(broker.stop)


def _commands(ports: Mapping[str, int], with_gateway: bool) -> list[tuple[str, Sequence[str]]]:
    tenfour = [sys.executable, "-m", "tenfour.main"]
    commands: list[tuple[str, Sequence[str]]] = [
        (name, ["env", f"{PREFIX}METRICS_PORT={ports.get(name, 0)}", *tenfour, "run", *stages])
        for name, stages in PROCESSES
    ]
    return [*commands, ("gateway", [*tenfour, "gateway"])] if with_gateway else commands


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the settings as they are now, the broker's address among them."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    return {**os.environ, **{f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}}
