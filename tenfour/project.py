"""`tenfour project`: the log into the read model."""

from __future__ import annotations

import typer
import uvloop

from console.database import open_database, reachable
from console.follow_log import follow_log
from console.migrate import require_newest
from streams.logs import announce, start_logs
from streams.running import collect_garbage_seldom, stop_signal
from streams.settings import Settings, load_settings
from streams.topics import require_topics
from tenfour.kafka import with_kafka

app = typer.Typer()


@app.command()
def project() -> None:
    """Write what the log says into the read model, until SIGTERM or Ctrl-C."""
    settings = load_settings()
    start_logs(settings.log_format, settings.log_level)
    engine = open_database(settings.database)
    require_newest(engine)
    settings = with_kafka(settings)
    collect_garbage_seldom()
    with reachable(engine):
        uvloop.run(_project(settings))


async def _project(settings: Settings) -> None:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    engine = open_database(settings.database)
    try:
        await follow_log(engine, settings, stop_signal, lambda: announce("running project"), announce)
    finally:
        engine.dispose()
