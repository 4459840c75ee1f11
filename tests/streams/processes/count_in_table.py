"""A plain Faust worker that counts what comes in a hopping table of Faust's own, as its documentation shows it."""

import argparse
import time
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import faust

from tests.streams.processes.quiet import quiet_libraries

WINDOW_S = 60.0
HOP_S = 30.0


def new_app(words: argparse.Namespace) -> faust.App:
    """Adds each value, a number, to the key's windows at `--at`, in seconds since 1970."""
    app = faust.App(
        words.app,
        broker=f"kafka://{words.bootstrap}",
        store="memory://",
        datadir=str(Path(gettempdir()) / words.app),  # it makes folders for tables, else where it is started
        topic_disable_leader=True,
        broker_commit_interval=words.commit_s,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=30.0,
        consumer_auto_offset_reset="earliest",
        table_cleanup_interval=words.cleanup_s,
        web_enabled=False,
    )
    counts = app.Table("counts", default=int, partitions=1).hopping(WINDOW_S, HOP_S, expires=words.expires_s)
    windows = counts.relative_to(words.at)

    @app.agent(app.topic(words.source, value_serializer="json"))
    async def count(stream: Any) -> None:
        async for value in stream:
            windows["all"] += value

    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--app", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--at", type=float, default=time.time())
    parser.add_argument("--expires-s", type=float, default=3600.0)
    parser.add_argument("--cleanup-s", type=float, default=30.0)
    parser.add_argument("--commit-s", type=float, default=0.2)
    words = parser.parse_args()
    quiet_libraries()
    faust.Worker(new_app(words), loglevel="critical", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
