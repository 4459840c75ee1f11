"""What a process shows of itself by HTTP: a real server, asked over a socket."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streams.health import Health
from streams.listening import ServingError
from streams.metrics import CATALOGUE
from streams.probes import observed
from streams.settings import Settings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def settings() -> Settings:
    return Settings(metrics_port=free_port())


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.metrics_port}", timeout=15) as client:
        yield client


async def _fine() -> None:
    return None


async def _not_fine() -> str:
    return "the last tick of partition 3 is 12 s old"


async def test_a_process_is_not_ready_before_it_has_started_and_when_it_stops(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    health = Health()
    health.expect("clock", _fine)
    async with observed(settings, health):
        before = await client.get("/readyz")
        health.started()
        while_it_runs = await client.get("/readyz")
        health.stopping()
        after = await client.get("/readyz")
    assert (before.status_code, before.json()) == (503, {"ready": False, "checks": {"process": "is starting"}})
    assert (while_it_runs.status_code, while_it_runs.json()) == (200, {"ready": True, "checks": {"clock": "ok"}})
    assert after.status_code == 503


async def test_a_check_that_fails_is_named_with_its_reason(settings: Settings, client: httpx.AsyncClient) -> None:
    health = Health()
    health.expect("broker", _fine)
    health.expect("clock", _not_fine)
    health.started()
    async with observed(settings, health):
        answer = await client.get("/readyz")
        metrics = (await client.get("/metrics")).text
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"broker": "ok", "clock": "the last tick of partition 3 is 12 s old"}
    assert 'tenfour_ready{check="clock"} 0.0' in metrics
    assert 'tenfour_ready{check="broker"} 1.0' in metrics


async def test_a_check_that_raises_or_hangs_is_a_problem_and_its_text_stays_inside(
    settings: Settings, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raises() -> str | None:
        raise ValueError("what @someone wrote")

    async def hangs() -> str | None:
        await asyncio.sleep(3600)
        return None

    monkeypatch.setattr("streams.health.CHECK_S", 0.2)
    health = Health()
    health.expect("raises", raises)
    health.expect("hangs", hangs)
    health.started()
    async with observed(settings, health):
        answer = await client.get("/readyz")
    assert answer.json()["checks"] == {
        "raises": "the check failed: ValueError",
        "hangs": "no answer within 0.2 s",
    }


async def test_a_loop_that_stands_still_is_told_while_metrics_are_served(settings: Settings) -> None:
    health = Health()
    health.started()
    async with observed(settings, health):
        asking = asyncio.create_task(asyncio.to_thread(_ask_all, settings.metrics_port))
        await asyncio.sleep(0.3)  # until the first has been asked
        time.sleep(8)  # noqa: ASYNC251 - this is the loop that stands still
        answers = await asking
    assert answers["/healthz"].status_code == 503
    assert answers["/healthz"].json()["reason"] == "the event loop did not answer within 2 s"
    assert answers["/metrics"].status_code == 200


def _ask_all(port: int) -> dict[str, httpx.Response]:
    time.sleep(0.6)
    return {path: httpx.get(f"http://127.0.0.1:{port}{path}", timeout=15) for path in ("/healthz", "/metrics")}


async def test_a_loop_that_works_is_alive_and_its_delay_is_measured(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    before = CATALOGUE.get_sample_value("tenfour_event_loop_delay_seconds_count") or 0.0
    async with observed(settings, Health()):
        answer = await client.get("/healthz")
        await asyncio.sleep(0.5)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (CATALOGUE.get_sample_value("tenfour_event_loop_delay_seconds_count") or 0.0) > before


async def test_metrics_name_the_build_and_the_process(settings: Settings, client: httpx.AsyncClient) -> None:
    async with observed(settings, Health()):
        text = (await client.get("/metrics")).text
        elsewhere = await client.get("/secret")
    assert "tenfour_build_info{" in text
    assert "process_resident_memory_bytes" in text
    assert elsewhere.status_code == 404


async def test_a_port_that_is_taken_is_told_with_what_to_set(settings: Settings) -> None:
    with (
        socket.create_server(("127.0.0.1", settings.metrics_port)),
        pytest.raises(ServingError, match="in use; set TENFOUR_METRICS_HOST and TENFOUR_METRICS_PORT"),
    ):
        async with observed(settings, Health()):
            pass


async def test_the_port_is_free_again_afterwards(settings: Settings) -> None:
    async with observed(settings, Health()):
        pass
    with socket.create_server(("127.0.0.1", settings.metrics_port)):
        pass


async def test_without_a_port_nothing_listens() -> None:
    async with observed(Settings(metrics_port=0), Health()):
        checks: dict[str, Any] = await Health().problems()
    assert checks == {"process": "is starting"}
