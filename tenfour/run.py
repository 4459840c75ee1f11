"""`tenfour run`: stages in this process."""

from __future__ import annotations

from typing import Annotated

import typer

from agents.registry import STAGES, stage_named
from streams.running import run_stages
from streams.settings import load_settings
from streams.stages import run as run_on_uvloop
from tenfour.kafka import with_kafka
from tenfour.printing import remark

app = typer.Typer()


@app.command()
def run(
    stages: Annotated[list[str], typer.Argument(metavar="STAGE...", help=f"Of {', '.join(STAGES)}.")],
) -> None:
    """Run stages in this process, each its own consumer group, until SIGTERM or Ctrl-C."""
    settings = with_kafka(load_settings())
    names = list(dict.fromkeys(stages))
    chosen = [stage_named(name, settings) for name in names]
    run_on_uvloop(run_stages(chosen, settings, on_started=lambda: remark(f"running {', '.join(names)}")))
