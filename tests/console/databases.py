"""A database for each test: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bench.scratch_postgresql import NoPostgresql, scratch_database, scratch_postgresql
from console.database import open_database
from console.migrate import upgrade
from console.tables import METADATA

_NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server that all tests share."""
    try:
        with scratch_postgresql(durable=False) as url:
            yield url
    except NoPostgresql as none:
        pytest.skip(str(none))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/desk.db"
        return
    with scratch_database(request.getfixturevalue("postgresql"), f"test_{os.getpid()}_{next(_NUMBERS)}") as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_engine(postgresql: str) -> Iterator[Engine]:
    """A database with tables that all tests share, one after the other."""
    with scratch_database(postgresql, f"shared_{os.getpid()}") as url:
        engine = open_database(url)
        upgrade(engine)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the tables of this release, and nothing in them."""
    if request.param == "postgresql":
        shared: Engine = request.getfixturevalue("postgresql_engine")
        with shared.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(METADATA.tables)}"))
        yield shared
        return
    engine = open_database(f"sqlite:///{tmp_path}/desk.db")
    upgrade(engine)
    yield engine
    engine.dispose()
