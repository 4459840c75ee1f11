"""A real PostgreSQL for tests: DATABASE_URL, else one of Debian's own on a folder that is thrown away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

SOMEBODY = "postgres"
"""Who runs it where the tests run as root, which PostgreSQL refuses."""


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A URL of a database that all tests share; skips the test where there is no PostgreSQL."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not programs:
        pytest.skip("no PostgreSQL: install it, or set DATABASE_URL")
    yield from _running(programs[-1].parent, tmp_path_factory.mktemp("postgres"))


def _running(programs: Path, folder: Path) -> Iterator[str]:
    data, port = folder / "data", _free_port()
    if os.geteuid() == 0:
        for above in (folder, *folder.parents[:2]):
            above.chmod(0o711)
        shutil.chown(folder, SOMEBODY)
    options = ["--pgdata", str(data), "--username=desk", "--auth=trust", "--no-sync", "--encoding=UTF8"]
    _run([str(programs / "initdb"), *options])
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    control = [str(programs / "pg_ctl"), "--pgdata", str(data), "--wait"]
    _run([*control, "--log", str(folder / "log"), "--options", settings, "start"])
    try:
        yield f"postgresql://desk@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "--mode=immediate", "stop"])


def _run(command: list[str]) -> None:
    as_somebody = ["runuser", "-u", SOMEBODY, "--"] if os.geteuid() == 0 else []
    subprocess.run([*as_somebody, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])
