"""The whole pipeline on one machine: the broker, the topics, and the stages as supervised processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from console.database import open_database
from console.follow_log import GROUP as PROJECT_GROUP
from console.follow_log import STAGE as PROJECT
from console.migrate import upgrade
from console.project_records import READ
from streams.embedded_broker import BrokerHandle, broker_status, start_broker
from streams.settings import PREFIX, Settings
from streams.supervise import Supervisor
from streams.topics import (
    DESK_EVENTS,
    DESK_INBOX,
    INCIDENT_INBOX,
    INCIDENTS,
    MENTION_COUNTS,
    MENTIONS_CLASSIFIED,
    MENTIONS_RAW,
    PEOPLE,
    SLA_TIMER,
    apply_topics,
)

PROCESSES = (
    ("classify", ("run", "classify")),
    ("route and deadlines", ("run", "route", "deadlines")),
    ("desk", ("run", "desk", "assign")),
    ("counts and incidents", ("run", "count", "spikes", "propose", "incidents")),
    ("read model", ("project",)),
)
"""The processes of the stages: the model has one to itself, and nothing delays the clocks."""
SERVERS = (("gateway", ("gateway",)), ("desk API", ("console",)))
"""What people and programs call."""
SOURCES = (
    ("classify", "tenfour-classify", MENTIONS_RAW.name),
    ("route", "tenfour-route", MENTIONS_CLASSIFIED.name),
    ("deadlines", "tenfour-deadlines", SLA_TIMER.name),
    ("desk", "tenfour-desk", DESK_INBOX.name),
    ("assign", "tenfour-assign", PEOPLE.name),
    ("count", "tenfour-count", MENTIONS_CLASSIFIED.name),
    ("spikes", "tenfour-spikes", MENTION_COUNTS.name),
    ("propose", "tenfour-propose", INCIDENTS.name),
    ("incidents", "tenfour-incidents", INCIDENT_INBOX.name),
)
"""(stage, consumer group, source topic), in the pipeline's order."""
READ_MODEL = tuple((PROJECT, PROJECT_GROUP, topic) for topic in READ)
"""The same of the read model, a topic each."""
PUBLISH = ("publish", ("publish",))
NOTIFY = ("notify", ("notify",))


def beside_the_stages(settings: Settings) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What is called from outside; and what reaches out, if the settings say where to."""
    publish = (PUBLISH,) if settings.publish_url else ()
    return *SERVERS, *publish, *((NOTIFY,) if settings.notify_channels else ())


def sources(settings: Settings) -> list[tuple[str, str, str]]:
    """SOURCES, with those of the read model and of the processes that reach out."""
    outside = [process[0] for process in beside_the_stages(settings) if process in (PUBLISH, NOTIFY)]
    return [*SOURCES, *READ_MODEL, *[(name, f"tenfour-{name}", DESK_EVENTS.name) for name in outside]]


@dataclass(frozen=True)
class LocalPipeline:
    """A running pipeline. `settings` are those of its processes, with the broker's address."""

    settings: Settings
    supervisor: Supervisor
    metrics_ports: dict[str, int]
    broker: BrokerHandle | None
    """The embedded broker, if this pipeline started one."""

    @property
    def broker_died(self) -> bool:
        return self.broker is not None and not self.broker.is_running


@asynccontextmanager
async def local_pipeline(
    settings: Settings, folder: Path, say: Callable[[str], None], *, with_servers: bool = False
) -> AsyncIterator[LocalPipeline]:
    """Starts everything and stops it in order. Without `settings.bootstrap` the embedded broker runs on `folder`, or
    the one that runs there already is used. `say` is told what happens, and what the processes write."""
    async with _kafka(settings.bootstrap, folder, say) as (bootstrap, broker):
        settings = settings.model_copy(update={"bootstrap": bootstrap})
        say("topics and tables")
        topics = apply_topics(bootstrap, partitions=settings.partitions, replication=settings.replication)
        await asyncio.gather(topics, asyncio.to_thread(_make_tables, settings))
        say("stages")
        processes = (*PROCESSES, *beside_the_stages(settings)) if with_servers else PROCESSES
        first = settings.metrics_port
        ports = {name: first + place for place, (name, _) in enumerate(processes)} if first else {}
        commands = [(name, _command(ports.get(name, 0), arguments)) for name, arguments in processes]
        supervisor = Supervisor(
            commands, environ=_environment(settings), on_line=lambda name, line: say(f"{name}: {line}")
        )
        await supervisor.start()
        try:
            yield LocalPipeline(settings, supervisor, ports, broker)
        finally:
            await supervisor.stop()


@asynccontextmanager
async def _kafka(
    bootstrap: str, folder: Path, say: Callable[[str], None]
) -> AsyncIterator[tuple[str, BrokerHandle | None]]:
    running = None if bootstrap else await asyncio.to_thread(broker_status, folder)
    if bootstrap or running is not None:
        yield bootstrap or running.bootstrap, None  # type: ignore[union-attr]
        return
    broker = await asyncio.to_thread(start_broker, folder, progress=say)
    try:
        yield broker.bootstrap, broker
    finally:
        await asyncio.to_thread(broker.stop)


def _make_tables(settings: Settings) -> None:
    engine = open_database(settings.database)
    upgrade(engine)
    engine.dispose()


def _command(metrics_port: int, arguments: Sequence[str]) -> list[str]:
    return ["env", f"{PREFIX}METRICS_PORT={metrics_port}", sys.executable, "-m", "tenfour.main", *arguments]


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the settings as they are now, the broker's address among them."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    # Of many processes on one screen only what is wrong is worth a line.
    return {
        f"{PREFIX}LOG_LEVEL": "warning",
        **os.environ,
        **{f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()},
    }
