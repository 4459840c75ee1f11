"""Quix Streams with its defaults."""

from __future__ import annotations

from typing import Any

from quixstreams import Application

from bench.contenders.contest import Contest
from bench.work import TARGET, one_by_one


def run_contender(contest: Contest) -> None:
    app = Application(
        broker_address=contest.bootstrap,
        consumer_group=contest.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
    )
    source = app.topic(contest.source, key_deserializer="bytes", value_deserializer="bytes")
    target = app.topic(TARGET, key_serializer="bytes", value_serializer="bytes")
    work = one_by_one(contest.work)

    def decide(value: Any, key: Any, _timestamp: int, _headers: Any) -> Any:
        return work(key, value)

    frame = app.dataframe(source).apply(decide, metadata=True)
    frame = frame.set_headers(lambda result, _key, _timestamp, _headers: result[1])
    frame.apply(lambda result: result[0]).to_topic(target)
    app.run()
