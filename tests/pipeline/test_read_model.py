"""From mentions-raw to the rows of the read model on a real Kafka: complete, also after kills and a rebuild."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import select

from bench.free_ports import free_port
from console.database import open_database
from console.follow_log import GROUP
from console.project_records import READ
from console.tables import CONVERSATIONS, POSTS, TIMERS
from gateway.replay_file import read_replay
from schemas.ids import conversation_key, mention_id
from streams.progress import wait_until_drained
from tests.pipeline.harness import PARTITIONS, Outcome, Workers, metrics_of, run_pipeline, undisturbed
from tests.pipeline.test_desk import DESK_STAGES
from tests.pipeline.test_end_to_end import BUNDLE
from tests.pipeline.traffic import BRAND, EPOCH, complaint
from tests.tenfour.command import Ended, tenfour

ALL = (*DESK_STAGES, "project")


def command(workers: Workers, *arguments: str) -> Ended:
    settings = {name: value for name, value in workers.environment.items() if name != "TENFOUR_METRICS_PORT"}
    return tenfour(*arguments, TENFOUR_BOOTSTRAP=workers.bootstrap, TENFOUR_PARTITIONS=str(PARTITIONS), **settings)


def with_database(workers: Workers, folder: Path) -> None:
    workers.environment["TENFOUR_DATABASE"] = f"sqlite:///{folder}/desk.db"
    assert command(workers, "database", "upgrade").status == 0


async def projected(workers: Workers) -> None:
    async with asyncio.timeout(60):
        await wait_until_drained(workers.bootstrap, [("project", GROUP, topic) for topic in READ])


def gaps(workers: Workers) -> list[dict[str, Any]]:
    ended = command(workers, "gaps", "--json", "--older-than", "0")
    found: list[dict[str, Any]] = json.loads(ended.out)
    assert ended.status == bool(found)
    return found


def rows(workers: Workers, *columns: Any) -> list[Any]:
    engine = open_database(workers.environment["TENFOUR_DATABASE"])
    with engine.connect() as connection:
        found = list(connection.execute(select(*columns)))
    engine.dispose()
    return found


async def kill_the_projector(workers: Workers) -> None:
    for _ in range(3):
        await workers.started("project")
        await asyncio.sleep(0.7)
        workers.kill("project")
        workers.start("project")


def compare(workers: Workers, ran: Outcome) -> None:
    """The rows with what stands on the topics."""
    flow = ran.flow
    posts = rows(workers, POSTS.c.id, POSTS.c.direction, POSTS.c.state)
    assert {post.id for post in posts if post.direction == "in"} == flow.ingested
    assert {post.id for post in posts if post.direction == "out"} == flow.replies
    assert {post.id for post in posts if post.state == "routed"} == set(flow.routed)
    first = rows(workers, TIMERS.c.cycle, TIMERS.c.state, TIMERS.c.target)
    judged = {timer.cycle: timer.state for timer in first if timer.target == "first_response"}
    assert set(judged) == flow.started
    told = {event.cycle: event.kind for event in ran.events() if event.kind in ("met", "breached", "cancelled")}
    assert {cycle: state for cycle, state in judged.items() if state != "running"} == {
        cycle: kind for cycle, kind in told.items() if cycle in judged
    }


async def test_every_real_mention_is_somebodys_or_at_its_end_whatever_kills_the_projector(
    workers: Workers, tmp_path: Path
) -> None:
    with_database(workers, tmp_path)
    ran = await run_pipeline(workers, read_replay(BUNDLE), kill_the_projector, stages=ALL)
    await projected(workers)
    assert gaps(workers) == []
    compare(workers, ran)
    assert {row.status for row in rows(workers, CONVERSATIONS.c.status)} >= {"open"}

    workers.kill("project")
    assert command(workers, "rebuild").status == 0
    compare(workers, ran)
    assert gaps(workers) == []
    before = len(rows(workers, POSTS.c.id))
    await delete_oldest(workers.bootstrap)
    refused = command(workers, "rebuild")
    assert refused.status == 1
    assert "nothing was changed: the log begins later than the read model, which would lose" in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert len(rows(workers, POSTS.c.id)) == before
    dropped = command(workers, "rebuild", "--drop-older")
    assert dropped.status == 0
    assert "of posts" in dropped.err
    assert 0 < len(rows(workers, POSTS.c.id)) < before


async def test_a_mention_that_was_not_routed_is_a_gap_until_it_is(workers: Workers, tmp_path: Path) -> None:
    with_database(workers, tmp_path)
    port = free_port()
    workers.environment["TENFOUR_METRICS_PORT"] = str(port)
    workers.start("project")
    del workers.environment["TENFOUR_METRICS_PORT"]
    await run_pipeline(workers, [complaint("lost", EPOCH)], undisturbed, stages=("classify",), restart=False)
    await projected(workers)
    (gap,) = gaps(workers)
    assert gap == {
        "mention": mention_id(BRAND, "twitter", "lost-1"),
        "conversation": conversation_key(BRAND, "twitter", "lost"),
        "state": "classified",
        "received_at": EPOCH.isoformat(),
    }
    async with asyncio.timeout(30):
        while metrics_of(port)["tenfour_completeness_gaps"] != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    seen = metrics_of(port)
    assert seen['tenfour_projected_rows_total{table="posts"}'] >= 1
    assert seen['tenfour_events_total{stage="project"}'] > 0
    assert sum(value for name, value in seen.items() if name.startswith("tenfour_lag_records")) == 0
    await run_pipeline(workers, [], undisturbed, stages=("classify", "route", "desk"), restart=False)
    await projected(workers)
    assert gaps(workers) == []


async def delete_oldest(bootstrap: str) -> None:
    """Cuts every topic that the mentions stand on, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        topics = [topic for topic in READ if topic.startswith("mentions")]
        tps = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        await admin.delete_records({tp: RecordsToDelete(100) for tp in tps})
    finally:
        await admin.close()
