"""The API inside the test's process, over a real database; its people and their tokens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, Engine, Table, delete, insert

from bench.scratch_postgresql import scratch_database
from console.api import Times, new_console
from console.commanding import Commanding
from console.database import open_database
from console.desk_answers import DeskAnswers
from console.migrate import upgrade
from console.sql_threads import Database
from console.tables import METADATA, PEOPLE
from console.tokens import add_token
from schemas.desk_records import Person
from streams.http_writing import AwaitedWrites
from streams.settings import Settings
from streams.writing import new_producer
from tests.console.rows import at
from tests.domain.posts import policy

ROLES = policy().roles
STAFF = (
    Person(id="ann", name="Ann", role="agent", teams=("support",)),
    Person(id="bob", name="Bob", role="agent", teams=("support",)),
    Person(id="lea", name="Lea", role="lead", teams=("support", "sales")),
    Person(id="apu", name="Apu", role="approver"),
    Person(id="ada", name="Ada", role="admin"),
    Person(id="eve", name="Eve", role="read_only"),
    Person(id="gus", name="Gus", role="agent", active=False),
    Person(id="rex", name="Rex", role="wizard"),
)
NO_KAFKA = "127.0.0.1:9"


def token_of(person: str) -> str:
    return f"token of {person}"


def bearer(person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(person)}"}


def hire(connection: Connection) -> None:
    """Makes the people and their tokens known."""
    for person in STAFF:
        row = person.model_dump(include={"id", "name", "role", "active"}) | {"teams": list(person.teams)}
        connection.execute(insert(PEOPLE).values(row))
        add_token(connection, token_of(person.id), person.id, f"{person.name}'s", at(0))


@dataclass
class Hand:
    """Time that the test moves."""

    now: float = at(0) / 1000
    steady: float = 0.0

    def times(self) -> Times:
        return Times(lambda: self.now, lambda: self.steady)


@dataclass
class DeskApi:
    """The API and its database. `as_` gives a client for each person."""

    app: FastAPI
    engine: Engine
    client: httpx.AsyncClient
    hand: Hand = field(default_factory=Hand)

    def have(self, table: Table, *rows: dict[str, Any]) -> None:
        """Puts rows into the read model."""
        with self.engine.begin() as connection:
            connection.execute(insert(table), list(rows))

    async def get(self, path: str, person: str = "eve", **query: Any) -> httpx.Response:
        return await self.client.get(path, headers=bearer(person), params=query)

    async def shown(self, path: str, person: str = "eve", **query: Any) -> Any:
        """The body of an answer that is a success."""
        answer = await self.get(path, person, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def one_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A read model for all tests that empty it again."""
    yield from _migrated(f"sqlite:///{tmp_path_factory.mktemp('read-model')}/desk.db")


@pytest.fixture(scope="session")
def one_postgresql(postgresql: str) -> Iterator[Engine]:
    with scratch_database(postgresql, "read_model") as url:
        yield from _migrated(url)


def _migrated(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(one_sqlite: Engine) -> Iterator[Engine]:
    """An empty read model, where it doesn't matter in which database."""
    yield one_sqlite
    _empty(one_sqlite)


@pytest.fixture(params=["one_sqlite", "one_postgresql"])
def read_model(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty read model in each kind of database."""
    engine: Engine = request.getfixturevalue(request.param)
    yield engine
    _empty(engine)


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in METADATA.tables.values():
            connection.execute(delete(table))


@pytest.fixture
async def desk(read_model: Engine) -> AsyncIterator[DeskApi]:
    """The API with its staff, over each kind of database; without Kafka, so it takes no commands."""
    async with api(read_model) as made:
        yield made


@pytest.fixture
async def small_desk(sqlite: Engine) -> AsyncIterator[DeskApi]:
    async with api(sqlite) as made:
        yield made


@asynccontextmanager
async def api(engine: Engine, *, staffed: bool = True, **settings: Any) -> AsyncIterator[DeskApi]:
    if staffed:
        with engine.begin() as connection:
            hire(connection)
    hand, database = Hand(), Database(engine)
    writes = AwaitedWrites(new_producer(NO_KAFKA), logging.getLogger("tenfour.console"))
    chosen = Settings(bootstrap=NO_KAFKA, **{"console_burst": 10_000, **settings})
    commanding = Commanding(database, writes, DeskAnswers(), chosen.partitions)
    app = new_console(database, commanding, ROLES, chosen, hand.times())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield DeskApi(app, engine, client, hand)
    database.close()
