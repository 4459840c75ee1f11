"""`tenfour console`: the desk's HTTP API in this process."""

from __future__ import annotations

import logging
import time

import typer
import uvloop

from console.api import Times
from console.serve import serve_console
from streams.metrics import serve_metrics
from streams.settings import load_settings
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy
from tenfour.printing import remark

app = typer.Typer()


@app.command()
def console() -> None:
    """Serve the desk's API, on TENFOUR_CONSOLE_HOST and TENFOUR_CONSOLE_PORT, until Ctrl-C."""
    logging.basicConfig(format="tenfour: %(message)s")
    logging.getLogger("tenfour.console").setLevel(logging.INFO)  # a line for each command
    settings = with_kafka(load_settings())
    roles = read_policy(settings.policy).roles
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    uvloop.run(serve_console(settings, roles, Times(time.time, time.monotonic), on_listening=_tell))


def _tell(address: str) -> None:
    remark(f"serves the desk at {address}/v1/, described at {address}/docs")
