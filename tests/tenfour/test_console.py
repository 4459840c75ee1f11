"""`tenfour console` and `tenfour tokens` in processes of their own."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert

from console.database import open_database
from console.migrate import upgrade
from console.tables import PEOPLE
from tests.tenfour.command import ROOT, environment, tenfour

Process = subprocess.Popen[str]


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of a read model that knows Ann."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    engine = open_database(url)
    upgrade(engine)
    with engine.begin() as connection:
        row = {"id": "ann", "name": "Ann", "role": "agent", "teams": [], "active": True}
        connection.execute(insert(PEOPLE).values(row))
    engine.dispose()
    return url


@pytest.fixture
def console(kafka: str, database: str) -> Iterator[tuple[Process, str]]:
    """A running API and its address."""
    settings = environment(KAFKA_BOOTSTRAP=kafka, TENFOUR_CONSOLE_PORT="0", TENFOUR_DATABASE=database)
    program = [sys.executable, "-m", "tenfour.main", "console"]
    with subprocess.Popen(program, env=settings, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        found = re.search(r"http://[\d.]+:\d+", told)
        assert found, told
        yield process, found.group()
        process.kill()


def me(address: str, token: str) -> httpx.Response:
    return httpx.get(f"{address}/v1/me", headers={"Authorization": f"Bearer {token}"})


def test_a_token_lets_its_person_in_until_it_is_revoked(console: tuple[Process, str], database: str) -> None:
    process, address = console
    made = tenfour("tokens", "create", "--person", "ann", "--label", "laptop", TENFOUR_DATABASE=database)
    token = made.out.strip()
    assert made.status == 0
    assert len(token) > 40
    assert me(address, token).json()["person"] == "ann"
    listed = tenfour("tokens", "list", "--json", TENFOUR_DATABASE=database)
    (shown,) = json.loads(listed.out)
    assert (shown["person"], shown["label"], shown["revoked_at"]) == ("ann", "laptop", None)
    assert token not in listed.out + listed.err + made.err
    assert tenfour("tokens", "revoke", shown["id"], TENFOUR_DATABASE=database).status == 0
    assert me(address, token).status_code == 401
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_a_token_for_somebody_unknown_is_made_with_a_remark(database: str) -> None:
    made = tenfour("tokens", "create", "--person", "zoe", "--label", "laptop", TENFOUR_DATABASE=database)
    assert made.status == 0
    assert "does not know zoe" in made.err


def test_a_token_that_is_not_there_cannot_be_revoked(database: str) -> None:
    ended = tenfour("tokens", "revoke", "nothing", TENFOUR_DATABASE=database)
    assert ended.status == 2
    assert "tenfour tokens list" in ended.err


def test_the_password_of_a_database_is_not_told() -> None:
    url = "postgresql://desk:hunter2@127.0.0.1:9/desk"
    ended = tenfour("tokens", "list", TENFOUR_DATABASE=url)
    assert ended.status == 1
    assert ended.err.startswith("tenfour: TENFOUR_DATABASE")
    assert "hunter2" not in ended.err + tenfour("settings", "--json", TENFOUR_DATABASE=url).out
