"""Migrations make the tables that the program knows, in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex

from console.database import DatabaseError, open_database
from console.migrate import require_newest, upgrade, version
from console.tables import METADATA


@pytest.fixture
def migrated(empty_database: str) -> Iterator[Engine]:
    """One of its own: these tests change the tables."""
    engine = open_database(empty_database)
    upgrade(engine)
    yield engine
    engine.dispose()


def _made(engine: Engine) -> dict[str, list[str]]:
    """Columns and indexes, as the database tells of them."""
    asked = inspect(engine)
    told = {name: [*asked.get_columns(name), *_sorted(asked.get_indexes(name))] for name in METADATA.tables}
    return {name: [_words(part) for part in parts] for name, parts in told.items()}


def _sorted(indexes: list[ReflectedIndex]) -> list[ReflectedIndex]:
    return sorted(indexes, key=lambda index: str(index["name"]))


def _words(told: object) -> str:
    """Of anything that has no equality of its own, what it says."""
    return str({name: _words(value) for name, value in told.items()} if isinstance(told, dict) else told)


def test_migrations_and_tables_agree(migrated: Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_indexes_and_collations_are_those_of_the_tables(migrated: Engine) -> None:
    made = _made(migrated)
    with migrated.begin() as connection:
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
    assert _made(migrated) == made


def test_an_empty_database_is_refused_until_it_is_upgraded(empty_database: str) -> None:
    engine = open_database(empty_database)
    with pytest.raises(DatabaseError, match="the database is empty; run `tenfour database upgrade`"):
        require_newest(engine)
    assert upgrade(engine) == upgrade(engine)
    require_newest(engine)


def test_a_database_of_a_later_release_is_left_alone(migrated: Engine) -> None:
    with migrated.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="is at 9999, which this release does not know"):
        upgrade(migrated)
    assert version(migrated).current == "9999"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("desk.db", "no URL of a database; write sqlite:///FILE or "),
        ("mysql://here/desk", "mysql is not a database that is known; write "),
        ("sqlite://", "sqlite is not a database that is known; write "),
    ],
)
def test_a_url_of_another_kind_is_refused_with_an_example(url: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=f"^TENFOUR_DATABASE: {said}"):
        open_database(url)


def test_a_server_that_is_away_is_told_in_one_line_without_the_password() -> None:
    with pytest.raises(DatabaseError) as told:
        version(open_database("postgresql://me:secret@127.0.0.1:1/desk"))
    assert "127.0.0.1" in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, only some notes of mine " * 100)
    with pytest.raises(DatabaseError, match="file is not a database"):
        version(open_database(f"sqlite:///{file}"))
