"""The read model's database: SQLite or PostgreSQL, by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

BUSY_S: Final = 30.0
"""Seconds that SQLite waits for another writer."""
_HOW: Final = "write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"


class DatabaseError(RuntimeError):
    """The database can't be used; the text says why, and what to do."""


def open_database(url: str) -> Engine:
    """An engine; nothing is connected yet. Raises DatabaseError for a URL that names neither database."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(f"TENFOUR_DATABASE: no URL of a database; {_HOW}") from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and parsed.database:
        return _sqlite(parsed)
    raise DatabaseError(f"TENFOUR_DATABASE: {parsed.drivername} is not a database that is known; {_HOW}")


@contextmanager
def reachable(engine: Engine) -> Iterator[None]:
    """Raises DatabaseError, in one line, for what the database refuses within."""
    try:
        yield
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise DatabaseError(f"TENFOUR_DATABASE: {engine.url.render_as_string()}: {reason}") from None


def is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _sqlite(url: URL) -> Engine:
    """With a write-ahead log, so that readers and the writer don't wait for each other."""
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"TENFOUR_DATABASE: can't make the folder {folder}: {error.strerror}") from None
    engine = create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # Python's own driver would begin late, and not at all before a table is made
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
