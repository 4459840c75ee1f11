"""`tenfour up`: broker, stages, gateway and the desk's API on one machine, restarted when they die, with a screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from streams.embedded_broker import BrokerError
from streams.progress import StageLag, stage_lags
from streams.running import stop_signal
from streams.settings import Settings, load_settings
from streams.supervise import ChildStatus
from tenfour.kafka import broker_folder
from tenfour.local_pipeline import LocalPipeline, local_pipeline, sources
from tenfour.stage_status import together

LAG_EVERY_S = 2.0
ANSWER_S = 10.0
FIRST_METRICS_PORT = 9410

CONSOLE = Console(stderr=True)
"""One for the table and the lines, so that neither overwrites the other."""

app = typer.Typer()


@app.command()
def up(
    ticks: Annotated[
        str, typer.Option(help="`live`, or `replay` on a fresh data folder for `tenfour replay`.")
    ] = "live",
) -> None:
    """Runs everything on this machine until Ctrl-C."""
    if ticks not in ("live", "replay"):
        raise typer.BadParameter("--ticks is live or replay")
    settings = load_settings()
    port = settings.metrics_port or FIRST_METRICS_PORT
    asyncio.run(_up(settings.model_copy(update={"ticks": ticks, "metrics_port": port})))


async def _up(settings: Settings) -> None:
    stop = asyncio.create_task(stop_signal())
    async with local_pipeline(settings, broker_folder(settings), _say, with_servers=True) as pipeline:
        await _show(pipeline, stop)
        _say("stopping")
        if pipeline.broker_died:
            raise BrokerError(f"the embedded broker ended; {broker_folder(settings)} has its log")


async def _show(pipeline: LocalPipeline, stop: asyncio.Task[None]) -> None:
    lags: list[StageLag] = []
    with Live(get_renderable=lambda: _screen(pipeline, lags), console=CONSOLE, refresh_per_second=2):
        while not stop.done() and not pipeline.broker_died:
            with suppress(Exception):  # the broker may be starting; the table shows the processes all the same
                async with asyncio.timeout(ANSWER_S):  # or it has gone: then the stop must still be heard
                    lags = await stage_lags(pipeline.settings.bootstrap, sources(pipeline.settings))
            await asyncio.wait([stop], timeout=LAG_EVERY_S)


def _screen(pipeline: LocalPipeline, lags: Sequence[StageLag]) -> RenderableType:
    settings = pipeline.settings
    where = Table(show_header=False, title="Where")
    where.add_row("Kafka", settings.bootstrap)
    where.add_row("send mentions to", f"http://{settings.gateway_host}:{settings.gateway_port}/v1/mentions")
    where.add_row("the desk's API", f"http://{settings.console_host}:{settings.console_port}/docs")
    for name, port in pipeline.metrics_ports.items():
        where.add_row(f"metrics of {name}", f"http://{settings.metrics_host}:{port}/metrics")
    return Group(processes(pipeline.supervisor.snapshot()), _lag_table(lags), where)


def processes(children: Sequence[ChildStatus]) -> Table:
    """The supervised processes and how they fare."""
    table = Table("process", "state", "restarts", "why it last ended", title="Processes")
    for child in children:
        style = "" if child.state == "running" else "yellow"
        table.add_row(child.name, child.state, str(child.restarts), child.last_reason or "", style=style)
    return table


def _lag_table(lags: Sequence[StageLag]) -> Table:
    table = Table("stage", "reads", "lag, records", title=f"Lag at {time.strftime('%H:%M:%S')}")
    for stage in together(lags, {}):
        table.add_row(stage.stage, stage.reads, str(stage.lag))
    return table


def _say(text: str) -> None:
    CONSOLE.print(text, markup=False, highlight=False)
