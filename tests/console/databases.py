"""A database for each test: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bench.scratch_postgresql import NoPostgresql, scratch_database, scratch_postgresql
from console.database import open_database
from console.migrate import upgrade

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
    with scratch_database(request.getfixturevalue("postgresql"), f"test_{next(_NUMBERS)}") as url:
        yield url


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    """A database with the tables of this release."""
    engine = open_database(empty_database)
    upgrade(engine)
    yield engine
    engine.dispose()
