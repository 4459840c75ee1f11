"""From mentions-raw to spikes on a real Kafka, by the stages as they run in production."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bench.free_ports import free_port
from domain.mention_counts import brand_key
from schemas.records import Mention
from streams.partitions import partition_of
from streams.reading import read_to_end
from streams.topics import MENTION_COUNTS, SLA_EVENTS, apply_topics
from tests.pipeline.harness import (
    PARTITIONS,
    SPIKE_STAGES,
    Outcome,
    Workers,
    metrics_of,
    run_pipeline,
    undisturbed,
)
from tests.pipeline.traffic import BRAND, EPOCH, complaint

FLOOD_AT = EPOCH + timedelta(hours=6, minutes=2)
FLOOD = 40
OTHER_BRAND = "Delta"
RULES = {"window_minutes": 10, "hop_minutes": 5, "baseline_windows": 24, "min_count": 10, "ratio": 3.0}
"""Windows of ten minutes against four hours."""


@pytest.fixture(autouse=True)
def policy(workers: Workers, tmp_path: Path) -> None:
    """The shipped policy with a baseline that fits into the test's hours."""
    shipped = yaml.safe_load(Path("policy.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({**shipped, "spikes": RULES}), encoding="utf-8")
    workers.environment["TENFOUR_POLICY"] = str(path)


def flooded(per_hour: int = 6, hours: int = 9) -> list[Mention]:
    """Complaints about two brands, as ever; one brand has many more within three minutes."""
    usual = [
        complaint(f"{brand}-{number}", EPOCH + timedelta(hours=number / per_hour), brand=brand)
        for brand in (BRAND, OTHER_BRAND)
        for number in range(per_hour * hours)
    ]
    return usual + [complaint(f"flood-{number}", FLOOD_AT + timedelta(seconds=4 * number)) for number in range(FLOOD)]


def per_minute(posts: list[Mention]) -> Counter[tuple[str, datetime]]:
    return Counter((post.brand, post.posted_at.replace(second=0, microsecond=0)) for post in posts)


def counted(ran: Outcome) -> Counter[tuple[str, datetime]]:
    found: Counter[tuple[str, datetime]] = Counter()
    for partial in ran.counts():
        found[partial.brand, partial.minute] += partial.count
    return found


def assert_each_mention_counted_once_and_the_flood_told_once(ran: Outcome, posts: list[Mention]) -> None:
    assert counted(ran) == per_minute(posts)
    assert [(spike.brand, spike.type, spike.sentiment, spike.window_end) for spike in ran.spikes()] == [
        (BRAND, "customer_complaint", None, EPOCH + timedelta(hours=6, minutes=5)),
        (BRAND, "customer_complaint", "negative", EPOCH + timedelta(hours=6, minutes=5)),
    ]
    assert len({partial.id for partial in ran.counts()}) == len(ran.counts())


async def test_a_flood_of_complaints_is_told_once_with_what_was_usual(workers: Workers) -> None:
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    port = free_port()
    workers.environment["TENFOUR_METRICS_PORT"] = "0"
    workers.start("classify")
    workers.start("count")
    workers.environment["TENFOUR_METRICS_PORT"] = str(port)
    workers.start("spikes")
    posts = flooded()
    ran = await run_pipeline(workers, posts, undisturbed, stages=SPIKE_STAGES, restart=False)
    assert_each_mention_counted_once_and_the_flood_told_once(ran, posts)
    spike = ran.spikes()[0]
    assert (spike.count, spike.baseline) == (41, 1.0)
    assert spike.ratio == 41.0
    assert not ran.flow.dead
    await _assert_placed_by_brand(workers.bootstrap)
    await asyncio.sleep(1.5)  # lag is reported once a second
    seen = metrics_of(port)
    assert seen['tenfour_spikes_total{type="customer_complaint"}'] == 2
    assert sum(value for name, value in seen.items() if name.startswith("tenfour_open_spikes")) == 0
    assert sum(value for name, value in seen.items() if name.startswith("tenfour_lag_records")) == 0


async def test_a_flood_behind_a_backlog_is_the_same_spike(workers: Workers) -> None:
    posts = flooded()
    ran = await run_pipeline(workers, posts, undisturbed, stages=SPIKE_STAGES, backlog=True)
    assert_each_mention_counted_once_and_the_flood_told_once(ran, posts)


async def test_kills_count_nothing_twice_and_tell_no_spike_twice(workers: Workers) -> None:
    posts = flooded()

    async def kill(workers: Workers) -> None:
        for stage in ("count", "classify", "spikes", "count", "spikes"):
            await workers.started(stage)
            await asyncio.sleep(1.5)
            workers.kill(stage)
            workers.start(stage)

    ran = await run_pipeline(workers, posts, kill, over_s=15.0, stages=SPIKE_STAGES)
    assert_each_mention_counted_once_and_the_flood_told_once(ran, posts)


async def test_a_mention_of_a_brand_that_the_policy_does_not_take_is_not_counted(workers: Workers) -> None:
    known, stranger = complaint("known", EPOCH), complaint("stranger", EPOCH, brand="NobodyKnows")
    ran = await run_pipeline(workers, [known, stranger], undisturbed, stages=SPIKE_STAGES)
    assert counted(ran) == per_minute([known])
    assert not ran.flow.dead  # `route` has told it


async def _assert_placed_by_brand(bootstrap: str) -> None:
    """Counts and spikes stand in their brand's partition; the time stands in all."""
    times: Counter[int] = Counter()
    async for found in read_to_end(bootstrap, [MENTION_COUNTS.name, SLA_EVENTS.name]):
        if found.key is None:
            times[found.partition] += 1
        else:
            assert found.key in (brand_key(BRAND), brand_key(OTHER_BRAND))
            assert found.partition == partition_of(found.key, PARTITIONS)
    assert len(set(times.values())) == 1
    assert set(times) == set(range(PARTITIONS))
