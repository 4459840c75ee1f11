"""From what breaks to the page: running workers, a real Prometheus, a real Alertmanager, a webhook."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bench.free_ports import free_port
from schemas.codecs import encode
from schemas.ids import conversation_key
from schemas.records import Mention
from streams.partitions import partition_of
from streams.topics import apply_topics
from tests.deploy.prometheus_tools import ALERTMANAGER_BINARIES, tool
from tests.pipeline.alerting import Alerting, alerting
from tests.pipeline.harness import PARTITIONS, STAGES, Workers, metrics_of, write_raw
from tests.pipeline.traffic import complaint

tool("prometheus")
tool(*ALERTMANAGER_BINARIES)
pytestmark = pytest.mark.timeout(600)

UP_S, PAGE_S = 180, 90
QUIET_S, ON_TIME_S = 3, 2
WATCHDOG = {"TenfourWatchdog"}
CLOCK = "TenfourClockStalled"


async def until(holds: Callable[[], bool], within_s: float, otherwise: Callable[[], object]) -> None:
    """Returns once it holds; fails with `otherwise` if it doesn't in so many seconds."""
    try:
        async with asyncio.timeout(within_s):
            while not await asyncio.to_thread(_held, holds):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {otherwise()}") from None


def _held(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except httpx.HTTPError:  # a server that is only starting
        return False


@pytest.fixture
async def watched(workers: Workers, tmp_path: Path) -> AsyncIterator[Alerting]:
    """The way from a mention to its verdict, watched; all is well, and the watchdog has been heard."""
    ports = {stage: free_port() for stage in STAGES}
    workers.environment["TENFOUR_TICKS"] = "live"
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    for stage, port in ports.items():
        workers.own[stage] = {"TENFOUR_METRICS_PORT": str(port)}
        workers.start(stage)
    for stage in STAGES:
        await workers.started(stage)
    await until(lambda: clocks_on_time(ports["deadlines"]) == PARTITIONS, UP_S, lambda: workers.log("deadlines"))
    with alerting(tmp_path / "alerting", ports) as servers:
        await until(lambda: servers.webhook.names("dead-mans-switch") == WATCHDOG, UP_S, servers.firing)
        yield servers


def clocks_on_time(port: int) -> int:
    """Partitions whose clock is less than a few seconds behind."""
    ticks = [
        value for name, value in metrics_of(port).items() if name.startswith("tenfour_last_tick_timestamp_seconds{")
    ]
    return sum(1 for tick in ticks if time.time() - tick < ON_TIME_S)


def placed(mention: Mention) -> tuple[int, bytes, bytes]:
    """Partition, key and value."""
    key = conversation_key(mention.brand, mention.channel, mention.thread).encode()
    return partition_of(key, PARTITIONS), key, encode(mention)


async def supervise(workers: Workers) -> None:
    """Starts again what ends, as Compose and Kubernetes do."""
    while True:
        workers.keep_running()
        await asyncio.sleep(0.3)


async def test_a_clock_that_stalls_pages_once_and_is_told_to_be_over(watched: Alerting, workers: Workers) -> None:
    webhook = watched.webhook
    await asyncio.sleep(QUIET_S)
    assert watched.firing() == WATCHDOG
    assert webhook.names("page") == webhook.names("ticket") == set()

    stopped = workers.running["deadlines"]
    stopped.send_signal(signal.SIGSTOP)
    await until(lambda: CLOCK in webhook.names("page"), PAGE_S, watched.firing)
    (page,) = (told for told in webhook.told if told.name == CLOCK)
    assert page.labels["severity"] == "page"
    assert page.annotations["runbook_url"] == "docs/runbooks/clock-stalled.md"
    # Its process does not answer either, which is true and known: the clock's page says so, and keeps it quiet.
    await until(lambda: "TenfourProcessDown" in watched.kept_quiet(), PAGE_S, watched.firing)
    assert webhook.names("page") == {CLOCK}
    assert webhook.names("ticket") == set()

    stopped.send_signal(signal.SIGCONT)
    supervisor = asyncio.create_task(supervise(workers))
    await until(lambda: CLOCK in webhook.names("page", "resolved"), PAGE_S, watched.firing)
    await until(lambda: watched.firing() == WATCHDOG, PAGE_S, watched.firing)
    supervisor.cancel()
    assert webhook.names("page") == {CLOCK}
    assert webhook.names("ticket") == set()


async def test_complaints_that_nobody_answered_in_time_page(watched: Alerting, workers: Workers) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    for batch in range(5):
        late = [complaint(f"late-{batch}-{number}", long_ago + timedelta(seconds=number)) for number in range(10)]
        await write_raw(workers.bootstrap, [placed(mention) for mention in late])
        await asyncio.sleep(1)
    await until(lambda: "TenfourFirstResponsesLate" in watched.webhook.names("page"), PAGE_S, watched.firing)
    pages = [told for told in watched.webhook.told if told.receiver == "page"]
    assert {(told.name, told.labels["type"]) for told in pages} == {("TenfourFirstResponsesLate", "customer_complaint")}
    assert "100% of the first responses to customer_complaint" in pages[0].annotations["description"]
