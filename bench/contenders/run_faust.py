"""Stock Faust: its defaults, one event at a time."""

from __future__ import annotations

import sys
from typing import Any

import faust

from bench.contenders.contest import Contest
from bench.work import TARGET, one_by_one


def run_contender(contest: Contest) -> None:
    app = faust.App(contest.group, broker=f"kafka://{contest.bootstrap}", value_serializer="raw", web_enabled=False)
    source = app.topic(contest.source, key_type=bytes, value_type=bytes, partitions=contest.partitions)
    target = app.topic(TARGET, key_type=bytes, value_type=bytes, partitions=contest.partitions)
    work = one_by_one(contest.work)

    @app.agent(source)
    async def handle(stream: Any) -> None:
        async for event in stream.events():
            value, headers = work(event.key, event.value)
            await target.send(key=event.key, value=value, headers=headers, timestamp=event.message.timestamp)

    sys.argv = ["faust", "worker", "--loglevel=warn", "--without-web"]
    app.main()
