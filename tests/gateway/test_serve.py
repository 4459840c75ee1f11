"""The gateway as a server: over real HTTP, inside this process."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.serve import serve_gateway
from streams.http_serving import ServingError
from streams.settings import Settings
from streams.topics import TopicError
from tests.gateway.intake_client import post


@asynccontextmanager
async def served(kafka: str, **settings: Any) -> AsyncIterator[str]:
    """The address of a gateway that serves until the block is left."""
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def until() -> None:
        await stop.wait()

    chosen = Settings(bootstrap=kafka, gateway_port=0, **settings)
    serving = asyncio.create_task(
        serve_gateway(chosen, None, time.time, on_listening=listening.set_result, until=until)
    )
    try:
        yield await listening
    finally:
        stop.set()
        await serving


async def test_a_mention_is_taken_over_http(kafka: str) -> None:
    async with served(kafka) as address, httpx.AsyncClient() as client:
        assert (await client.post(f"{address}/v1/mentions", json=post())).status_code == 202


async def test_a_request_under_way_is_answered_before_the_gateway_stops(kafka: str) -> None:
    first_half, second_half = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"["
        first_half.set()
        await second_half.wait()
        yield b"]"

    async with httpx.AsyncClient(headers={"Content-Type": "application/json"}) as client:
        async with served(kafka) as address:
            asked = asyncio.create_task(client.post(f"{address}/v1/mentions", content=body()))
            await first_half.wait()
            await asyncio.sleep(0.2)
            asyncio.get_running_loop().call_later(0.5, second_half.set)
        assert asked.done()
        assert asked.result().status_code == 202


async def test_a_stopped_gateway_takes_no_connection(kafka: str) -> None:
    async with served(kafka) as address:
        pass
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{address}/healthz")


async def test_a_chunked_body_that_is_too_large_is_refused(kafka: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    async with served(kafka, gateway_max_bytes=1000) as address, httpx.AsyncClient() as client:
        answer = await client.post(f"{address}/v1/mentions", content=body())
    assert answer.status_code == 413


async def test_a_caller_can_not_say_in_a_header_that_it_is_elsewhere_and_trusted(kafka: str) -> None:
    async with served(kafka) as address, httpx.AsyncClient() as client:
        headers = {"X-Forwarded-For": "127.0.0.1"}
        answer = await client.post(f"{address}/v1/mentions", json=post(), headers=headers)
    assert answer.status_code == 403


async def test_nothing_of_a_request_is_logged(kafka: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with served(kafka) as address, httpx.AsyncClient() as client:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        await client.post(f"{address}/v1/mentions?who=secret", json=post(text="secret"))
    assert "secret" not in caplog.text


async def test_a_port_that_is_taken_is_told_with_its_setting(kafka: str) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        settings = Settings(bootstrap=kafka, gateway_port=taken.getsockname()[1])
        with pytest.raises(ServingError, match="in use; set TENFOUR_GATEWAY_HOST and TENFOUR_GATEWAY_PORT"):
            await serve_gateway(settings, None, time.time)


async def test_another_number_of_partitions_is_refused(kafka: str) -> None:
    with pytest.raises(TopicError, match="mentions-raw has 8 partitions, the settings say 3"):
        await serve_gateway(Settings(bootstrap=kafka, partitions=3), None, time.time)
