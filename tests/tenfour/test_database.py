"""`tenfour database`, `project` and `gaps`, as an operator uses them before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tenfour.command import tenfour


def test_an_empty_database_says_what_to_do_and_is_upgraded_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/desk.db"
    before = tenfour("database", "status", TENFOUR_DATABASE=url)
    assert (before.status, before.err) == (1, "tenfour: run `tenfour database upgrade`\n")
    assert tenfour("database", "upgrade", TENFOUR_DATABASE=url).out.startswith("the tables are those of this release")
    assert tenfour("database", "upgrade", TENFOUR_DATABASE=url).status == 0
    after = tenfour("database", "status", "--json", TENFOUR_DATABASE=url)
    found = json.loads(after.out)
    assert (after.status, found["current"]) == (0, found["newest"])
    assert tenfour("gaps", TENFOUR_DATABASE=url).out == "every mention has an owner or an end\n"


@pytest.mark.parametrize("command", ["project", "rebuild", "gaps"])
def test_a_database_without_tables_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    ended = tenfour(command, TENFOUR_DATA=str(tmp_path))
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "tenfour: TENFOUR_DATABASE: the database is empty; run `tenfour database upgrade`\n"
    assert (tmp_path / "desk.db").exists()


def test_a_server_that_is_away_is_told_in_one_line() -> None:
    ended = tenfour("database", "status", TENFOUR_DATABASE="postgresql://me:secret@127.0.0.1:1/desk")
    assert ended.status == 1
    assert ended.err.startswith("tenfour: TENFOUR_DATABASE: postgresql+psycopg://me:***@127.0.0.1:1/desk: ")
    assert len(ended.err.splitlines()) == 1


def test_the_password_of_a_database_is_not_shown() -> None:
    shown = tenfour("settings", "--json", TENFOUR_DATABASE="postgresql://me:se:cret@here/desk").out
    assert "cret" not in shown
    assert "postgresql://me:***@here/desk" in shown
