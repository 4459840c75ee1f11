"""A PostgreSQL for one benchmark or for tests: DATABASE_URL, else Debian's, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench.free_ports import free_port

DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"
"""The server refuses to run as root; Debian's package makes this user."""


class NoPostgresql(RuntimeError):
    """There is none on this machine, and DATABASE_URL names none."""


@contextmanager
def scratch_postgresql(*, durable: bool = True) -> Iterator[str]:
    """The URL of a server whose user may make databases. Not durable: faster, and lost with the machine.

    Raises NoPostgresql.
    """
    given = os.environ.get("DATABASE_URL")
    if given:
        yield str(make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
        return
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="tenfour-postgresql-") as folder:
        data = Path(folder) / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        _run(programs / "initdb", "-D", str(data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        port = free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        options += "" if durable else " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        _run(programs / "pg_ctl", "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres"
        finally:
            _run(programs / "pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@contextmanager
def scratch_database(server: str, name: str) -> Iterator[str]:
    """The URL of a new, empty database on the server."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        engine.dispose()


def _programs() -> Path:
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if not found:
        raise NoPostgresql("no PostgreSQL here: install Debian's `postgresql`, or set DATABASE_URL")
    return found[-1].parent


def _run(program: Path, *arguments: str) -> None:
    as_user: Sequence[str] = ("runuser", "-u", USER, "--") if os.geteuid() == 0 else ()
    subprocess.run(
        [*as_user, str(program), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
