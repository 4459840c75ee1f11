"""The API does what its description says, whatever it is sent: over real HTTP, with the real desk behind it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import insert

from console.api import Times
from console.database import open_database
from console.migrate import upgrade
from console.serve import serve_console
from console.tables import COMMANDS, CONVERSATIONS, ESCALATIONS, POSTS, REPLIES, TIMERS, TRAIL
from streams.settings import Settings
from tests.console import rows
from tests.console.desk_api import ROLES, bearer, hire

EXAMPLES = 10
"""Of each route, beside those of the coverage of its description."""
KEY = "Delta:twitter:991"
"""The key in the description's examples."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CONFIG = {"generation": {"database": "none"}, "phases": {"coverage": {"unexpected-methods": []}}}


@pytest.fixture(scope="module")
def address(staffed_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the API listens, with a little of everything in its read model."""
    database = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'desk.db'}"
    _fill(database)
    settings = Settings(bootstrap=staffed_kafka, database=database, console_port=0, console_burst=100_000)
    with _served(settings) as address:
        yield address


@pytest.fixture(scope="module")
def description(address: str) -> schemathesis.BaseSchema:
    config = SchemathesisConfig.from_dict(CONFIG)
    return schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)


schema = schemathesis.pytest.from_fixture("description")


@schema.include(path_regex="^/v1/").parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_description_has_and_none_is_a_failure(case: Case) -> None:
    case.call_and_validate(headers=bearer("ada"), checks=CHECKS)


def _fill(url: str) -> None:
    engine = open_database(url)
    upgrade(engine)
    with engine.begin() as connection:
        hire(connection)
        connection.execute(insert(CONVERSATIONS), [rows.conversation(KEY), rows.conversation("Delta:x:2", due_at=None)])
        connection.execute(insert(POSTS), [rows.post(key=KEY)])
        connection.execute(insert(TIMERS), [rows.timer(key=KEY)])
        connection.execute(insert(REPLIES), [rows.reply(key=KEY)])
        connection.execute(insert(ESCALATIONS), [rows.escalation(key=KEY)])
        connection.execute(insert(TRAIL), [rows.event(key=KEY)])
        connection.execute(insert(COMMANDS), [rows.command(key=KEY)])
    engine.dispose()


class _served:
    """The API in a thread of its own, for a client that knows no event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> str:
        self._thread.start()
        assert self._listening.wait(30)
        return self._address

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve_console(
            self._settings, ROLES, Times(time.time, time.monotonic), on_listening=self._told, until=self._until
        )

    def _told(self, address: str) -> None:
        self._address = address
        self._listening.set()

    async def _until(self) -> None:
        await self._stop.wait()
