"""The API as a server: over real HTTP, inside this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from console.api import Times
from console.database import DatabaseError
from console.serve import serve_console
from streams.http_serving import ServingError, first_error, listen, serve
from streams.settings import Settings
from streams.topics import TopicError
from tests.console.commanded_desk import opened
from tests.console.desk_api import ROLES, bearer, hire

TIMES = Times(time.time, time.monotonic)


def settings_for(kafka: str, engine: Engine, **settings: Any) -> Settings:
    url = engine.url.render_as_string(hide_password=False)
    return Settings(bootstrap=kafka, database=url, **{"console_port": 0, **settings})


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """The address of an API that serves until the block is left."""
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def until() -> None:
        await stop.wait()

    serving = asyncio.create_task(serve_console(settings, ROLES, TIMES, on_listening=listening.set_result, until=until))
    try:
        yield await listening
    finally:
        stop.set()
        await serving


async def test_a_claim_is_answered_over_http(staffed_kafka: str, sqlite: Engine) -> None:
    with sqlite.begin() as connection:
        hire(connection)
    key = await opened(staffed_kafka)
    async with served(settings_for(staffed_kafka, sqlite)) as address, httpx.AsyncClient(base_url=address) as client:
        headers = {**bearer("ann"), "Idempotency-Key": "k1"}
        answer = await client.post(f"/v1/conversations/{key}/commands", headers=headers, json={"do": "claim"})
        assert (answer.status_code, answer.json()["fence"]["holder"]) == (200, "ann")
        assert "Server" not in answer.headers
        assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_a_port_that_is_taken_is_told_with_its_setting(kafka: str, sqlite: Engine) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        settings = settings_for(kafka, sqlite, console_port=taken.getsockname()[1])
        with pytest.raises(ServingError, match="in use; set TENFOUR_CONSOLE_HOST and TENFOUR_CONSOLE_PORT"):
            await serve_console(settings, ROLES, TIMES)


async def test_a_database_without_tables_is_told_with_what_to_do(kafka: str, tmp_path: Path) -> None:
    settings = Settings(bootstrap=kafka, database=f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(DatabaseError, match="run `tenfour"):
        await serve_console(settings, ROLES, TIMES)


async def test_another_number_of_partitions_is_refused(kafka: str, sqlite: Engine) -> None:
    with pytest.raises(TopicError, match="desk-inbox has 8 partitions, the settings say 3"):
        await serve_console(settings_for(kafka, sqlite, partitions=3), ROLES, TIMES)


async def test_a_server_that_has_lost_what_it_needs_ends_and_says_so() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    lost = first_error(broken, "the reader of the desk's answers ended")
    asyncio.get_running_loop().call_later(0.1, lost, RuntimeError("no such topic"))
    with listen("127.0.0.1", 0, "CONSOLE") as listener, pytest.raises(ServingError, match="no such topic; start it"):
        await serve(FastAPI(), listener, until=for_ever, broken=broken, on_listening=lambda _: None, grace_s=1)
