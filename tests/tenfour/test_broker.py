"""`tenfour broker`, on a folder of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.broker_probe import answering_cluster
from tests.tenfour.command import tenfour


@pytest.fixture
def data(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path)
    tenfour("broker", "stop", TENFOUR_DATA=str(tmp_path))


def test_a_started_broker_runs_until_it_is_stopped(data: str) -> None:
    started = tenfour("broker", "start", "--json", TENFOUR_DATA=data)
    bootstrap = json.loads(started.out)["bootstrap"]
    assert answering_cluster(bootstrap)
    assert json.loads(tenfour("broker", "start", "--json", TENFOUR_DATA=data).out) == json.loads(started.out)
    assert tenfour("broker", "status", TENFOUR_DATA=data).out.startswith(f"runs at {bootstrap}, process ")
    assert tenfour("topics", "diff", TENFOUR_DATA=data).status == 1
    assert tenfour("broker", "stop", TENFOUR_DATA=data).out == "stopped\n"
    assert answering_cluster(bootstrap) is None


def test_the_status_of_no_broker_is_1(data: str) -> None:
    ended = tenfour("broker", "status", "--json", TENFOUR_DATA=data)
    assert (ended.status, json.loads(ended.out)) == (1, {"running": False})


def test_stopping_no_broker_is_no_error(data: str) -> None:
    ended = tenfour("broker", "stop", "--json", TENFOUR_DATA=data)
    assert (ended.status, json.loads(ended.out)) == (0, {"stopped": False})


def test_a_folder_that_can_not_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = tenfour("broker", "start", TENFOUR_DATA=str(tmp_path / "file"))
    assert ended.status == 1
    assert "Not a directory; choose another folder" in ended.err
    assert len(ended.err.splitlines()) == 1
