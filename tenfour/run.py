"""`tenfour run`: stages in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from agents.registry import STAGES, stage_named
from streams.logs import announce, start_logs
from streams.running import run_stages
from streams.settings import Settings, load_settings
from streams.stages import Stage
from streams.stages import run as run_on_uvloop
from streams.topics import require_topics
from tenfour.kafka import with_kafka

app = typer.Typer()


@app.command()
def run(
    stages: Annotated[list[str], typer.Argument(metavar="STAGE...", help=f"Of {', '.join(STAGES)}.")],
) -> None:
    """Run stages in this process, each its own consumer group, until SIGTERM or Ctrl-C."""
    settings = load_settings()
    start_logs(settings.log_format, settings.log_level)
    settings = with_kafka(settings)
    names = list(dict.fromkeys(stages))
    chosen = [stage_named(name, settings) for name in names]
    run_on_uvloop(_run(chosen, settings))


async def _run(stages: Sequence[Stage], settings: Settings) -> None:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    names = ", ".join(stage.name for stage in stages)
    await run_stages(stages, settings, on_started=lambda: announce(f"running {names}"))
