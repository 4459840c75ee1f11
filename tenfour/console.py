"""`tenfour console`: the desk's HTTP API in this process."""

from __future__ import annotations

import time

import typer
import uvloop

from console.api import Times
from console.serve import serve_console
from streams.logs import announce, start_logs
from streams.settings import load_settings
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy

app = typer.Typer()


@app.command()
def console() -> None:
    """Serve the desk's API, on TENFOUR_CONSOLE_HOST and TENFOUR_CONSOLE_PORT, until Ctrl-C."""
    settings = load_settings()
    start_logs(settings.log_format, settings.log_level)
    settings = with_kafka(settings)
    roles = read_policy(settings.policy).roles
    uvloop.run(serve_console(settings, roles, Times(time.time, time.monotonic), on_listening=_tell))


def _tell(address: str) -> None:
    announce(f"serves the desk at {address}/v1/, described at {address}/docs")
