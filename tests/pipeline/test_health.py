"""Whether processes say what they do: ready, alive, and gone in time, on a real Kafka with live time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bench.free_ports import free_port
from schemas.codecs import encode
from schemas.ids import conversation_key
from streams.embedded_broker import BrokerHandle
from streams.partitions import partition_of
from streams.topics import apply_topics
from tests.pipeline.harness import PARTITIONS, Workers, outcome, write_raw
from tests.pipeline.traffic import BRAND, complaint

pytestmark = pytest.mark.kafka
STAGES = ("classify", "route", "deadlines")
WAIT_S = 60
STOP_S = 10
"""What a process may take to end, with nothing lost."""


class Probed:
    """Workers with live ticks, each with a port of its own."""

    def __init__(self, workers: Workers) -> None:
        self._workers, self._ports = workers, dict[str, int]()
        workers.environment |= {"TENFOUR_TICKS": "live"}

    def start(self, *names: str) -> None:
        for name in names:
            self._ports[name] = free_port()
            self._workers.environment["TENFOUR_METRICS_PORT"] = str(self._ports[name])
            self._workers.start(name)

    async def asked(self, name: str, path: str = "/readyz") -> tuple[int, Any]:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"http://127.0.0.1:{self._ports[name]}{path}")
        return answer.status_code, answer.json()

    async def ready(self, name: str) -> Any:
        return await self._until(name, lambda status, _: status == 200)

    async def not_ready(self, name: str, reason: str) -> Any:
        return await self._until(name, lambda status, body: status == 503 and reason in str(body))

    async def _until(self, name: str, holds: Callable[[int, Any], bool]) -> Any:
        """The body of the first answer for which it holds."""
        found: Any = None
        for _ in range(WAIT_S * 5):
            try:
                status, found = await self.asked(name)
                if holds(status, found):
                    return found
            except httpx.TransportError:
                found = "no answer"
            await asyncio.sleep(0.2)
        pytest.fail(f"{name} said last: {found}; {self._workers.log(name)}")


@pytest.fixture
async def probed(workers: Workers) -> Probed:
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    return Probed(workers)


async def test_a_clock_worker_that_owns_partitions_and_does_not_tick_is_not_ready(
    workers: Workers, probed: Probed
) -> None:
    probed.start(*STAGES)
    for name in STAGES:
        assert (await probed.ready(name))["checks"] == {name: "ok"}
    workers.running["classify"].send_signal(signal.SIGSTOP)  # whoever writes the ticks
    found = await probed.not_ready("deadlines", "the last tick of partition")
    assert not found["ready"]
    assert await probed.asked("deadlines", "/healthz") == (200, {"status": "ok"})
    assert (await probed.asked("route"))[0] == 200
    workers.running["classify"].send_signal(signal.SIGCONT)
    await probed.ready("deadlines")


async def test_without_a_broker_nothing_is_ready_and_everything_is_again_afterwards(
    probed: Probed, own_broker: BrokerHandle
) -> None:
    probed.start("route")
    await probed.ready("route")
    os.kill(own_broker.pid, signal.SIGSTOP)
    await probed.not_ready("route", "no broker answers")
    assert await probed.asked("route", "/healthz") == (200, {"status": "ok"})
    os.kill(own_broker.pid, signal.SIGCONT)
    await probed.ready("route")


async def test_processes_end_in_time_under_load_and_nothing_is_lost(workers: Workers, probed: Probed) -> None:
    """Each is replaced while mentions come; every one comes to its end."""
    probed.start(*STAGES)
    for name in STAGES:
        await probed.ready(name)
    sending = asyncio.create_task(_send(workers.bootstrap, seconds=12, per_second=40))
    for name in STAGES:
        probed.start(f"{name}-2")
        await workers.started(f"{name}-2")
        worker = workers.running.pop(name)
        worker.terminate()
        try:
            assert await asyncio.to_thread(worker.wait, STOP_S) == 0, workers.log(name)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{name} was still there after {STOP_S} s; {workers.log(name)}")
    sent = await sending
    for _ in range(WAIT_S * 2):
        flow = (await outcome(workers.bootstrap)).flow
        if not flow.gaps() and len(flow.started) == len(flow.routed):
            break
        await asyncio.sleep(0.5)
    assert (len(flow.ingested), flow.gaps(), flow.dead) == (sent, set(), set())
    assert len(flow.started) == len(flow.routed) > 0


async def _send(bootstrap: str, seconds: int, per_second: int) -> int:
    """Complaints of now, spread over the time; gives how many."""
    for second in range(seconds):
        now = datetime.fromtimestamp(time.time(), UTC)
        posts = [complaint(f"{second}-{number}", now) for number in range(per_second)]
        keys = [conversation_key(BRAND, "twitter", post.thread).encode() for post in posts]
        places = [partition_of(key, PARTITIONS) for key in keys]
        await write_raw(bootstrap, zip(places, keys, [encode(post) for post in posts], strict=True))
        await asyncio.sleep(1)
    return seconds * per_second
