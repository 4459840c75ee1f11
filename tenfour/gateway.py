"""`tenfour gateway`: the HTTP gateway in this process."""

from __future__ import annotations

import time

import typer
import uvloop

from gateway.serve import serve_gateway
from streams.logs import announce, start_logs
from streams.settings import load_settings
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy

app = typer.Typer()


@app.command()
def gateway() -> None:
    """Take mentions and replies by HTTP, on TENFOUR_GATEWAY_HOST and TENFOUR_GATEWAY_PORT, until Ctrl-C."""
    settings = load_settings()
    start_logs(settings.log_format, settings.log_level)
    settings = with_kafka(settings)
    brands = read_policy(settings.policy).brands
    uvloop.run(serve_gateway(settings, brands, time.time, on_listening=_tell))


def _tell(address: str) -> None:
    announce(f"takes mentions at {address}/v1/mentions, described at {address}/docs")
