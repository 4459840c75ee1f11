"""`tenfour gateway`: the HTTP gateway in this process."""

from __future__ import annotations

import logging
import time

import typer
import uvloop

from gateway.serve import serve_gateway
from streams.metrics import serve_metrics
from streams.settings import load_settings
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy
from tenfour.printing import remark

app = typer.Typer()


@app.command()
def gateway() -> None:
    """Take mentions and replies by HTTP, on TENFOUR_GATEWAY_HOST and TENFOUR_GATEWAY_PORT, until Ctrl-C."""
    logging.basicConfig(format="tenfour: %(message)s")
    settings = with_kafka(load_settings())
    brands = read_policy(settings.policy).brands
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    uvloop.run(serve_gateway(settings, brands, time.time, on_listening=_tell))


def _tell(address: str) -> None:
    remark(f"takes mentions at {address}/v1/mentions, described at {address}/docs")
