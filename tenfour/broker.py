"""`tenfour broker`: the embedded broker of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.embedded_broker import BrokerRunning, broker_status, start_broker, stop_broker
from streams.settings import load_settings
from tenfour.kafka import broker_folder
from tenfour.printing import print_json, remark

app = typer.Typer(no_args_is_help=True, help="The embedded Kafka of this machine; its data is in TENFOUR_DATA.")
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def start(json: Json = False) -> None:
    """Start the broker, unless it runs already; it goes on until `tenfour broker stop`."""
    try:
        started = start_broker(broker_folder(load_settings()), keep_running=True, progress=remark)
        _tell(started.bootstrap, started.pid, "started", json)
    except BrokerRunning as error:
        _tell(error.running.bootstrap, error.running.pid, "runs already", json)


@app.command()
def stop(json: Json = False) -> None:
    """Stop the broker; its data stays."""
    folder = broker_folder(load_settings())
    stopped = stop_broker(folder)
    if json:
        print_json({"stopped": stopped})
    else:
        print("stopped" if stopped else f"no broker runs on {folder}")


@app.command()
def status(json: Json = False) -> None:
    """Say whether the broker runs, and where. The exit status is 1 where it doesn't."""
    folder = broker_folder(load_settings())
    running = broker_status(folder)
    if running is not None:
        _tell(running.bootstrap, running.pid, "runs", json)
        return
    if json:
        print_json({"running": False})
    else:
        print(f"no broker runs on {folder}; `tenfour broker start` starts one")
    raise typer.Exit(1)


def _tell(bootstrap: str, pid: int, what: str, json: bool) -> None:
    if json:
        print_json({"running": True, "bootstrap": bootstrap, "pid": pid})
    else:
        print(f"{what} at {bootstrap}, process {pid}")
