"""A rolling upgrade on a real Kafka: workers of the release before and of this one side by side, in the same groups,
on the same state."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from streams.topics import apply_topics
from tests.pipeline.harness import PARTITIONS, STAGES, Workers, run_pipeline
from tests.pipeline.test_disturbed import assert_nothing_lost_and_no_verdict_twice
from tests.pipeline.test_read_model import compare, gaps, projected, with_database
from tests.pipeline.traffic import conversations, records
from tests.source_files import ROOT

PREVIOUS = "f9631c8150c0e9bf6a2016120eafe7af50d87496"
"""The commit of the release before; docs/upgrades.md says when it moves on."""
ALL = (*STAGES, "desk", "project")


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release before, as a folder of its own."""
    folder = tmp_path_factory.mktemp("previous")
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", PREVIOUS], capture_output=True)
    if archive.returncode:
        pytest.skip(f"this checkout does not hold {PREVIOUS[:12]}: fetch the whole history")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


async def start(workers: Workers, tree: Path | None, *names: str) -> None:
    workers.tree = tree
    for name in names:
        workers.start(name)
    for name in names:
        await workers.started(name)


async def roll(workers: Workers, tree: Path | None, suffix: str) -> None:
    """Stage after stage: the other release joins the group, both work, the one that was there leaves."""
    for stage in ALL:
        there = next(name for name in workers.running if name.split("-")[0] == stage)
        await start(workers, tree, f"{stage}-{suffix}")
        await asyncio.sleep(1)
        await workers.stop(there)


async def test_a_rolling_upgrade_and_the_way_back_lose_nothing_and_repeat_no_verdict(
    workers: Workers, previous: Path, tmp_path: Path
) -> None:
    traffic = conversations(600, seed=70)
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    with_database(workers, tmp_path)
    await start(workers, previous, *ALL)

    async def up_and_back_and_up(workers: Workers) -> None:
        await roll(workers, None, "new")
        await roll(workers, previous, "back")
        await roll(workers, None, "again")

    ran = await run_pipeline(workers, records(traffic), up_and_back_and_up, over_s=60.0, restart=False, stages=())
    workers.tree = None
    ran = await run_pipeline(workers, (), _nothing, restart=False, stages=(*STAGES, "desk"))
    assert_nothing_lost_and_no_verdict_twice(ran, traffic)
    await projected(workers)
    compare(workers, ran)
    assert gaps(workers) == []


async def _nothing(_: Workers) -> None:
    """The last records are on their way."""
