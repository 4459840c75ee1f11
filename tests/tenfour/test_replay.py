"""`tenfour replay` on a broker whose time no other test has moved."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from streams.embedded_broker import start_broker
from streams.topics import apply_topics
from tenfour.replay import parse_speed
from tests.kafka_broker import HEAP_MB
from tests.tenfour.command import tenfour


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_broker(tmp_path_factory.mktemp("kafka"), heap_mb=HEAP_MB) as broker:
        asyncio.run(apply_topics(broker.bootstrap, partitions=8, replication=1))
        yield broker.bootstrap


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "two.csv"
    path.write_text(
        "record,brand,channel,thread,author,text,posted_at\n"
        "mention,Acme,x,1,@a,where is it?,2020-01-01T00:00:00Z\n"
        "public_reply,Acme,x,1,@Acme,on its way,2020-01-01T01:00:00Z\n"
    )
    return str(path)


def test_a_file_is_replayed_once_and_then_refused_by_the_logs_time(fresh: str, file: str) -> None:
    ended = tenfour("replay", file, "--json", TENFOUR_TICKS="replay", KAFKA_BOOTSTRAP=fresh)
    assert (ended.status, ended.err) == (0, "")
    totals = json.loads(ended.out)
    assert (totals["mentions"], totals["replies"]) == (1, 1)
    again = tenfour("replay", file, TENFOUR_TICKS="replay", KAFKA_BOOTSTRAP=fresh)
    assert (again.status, again.out) == (1, "")
    assert "replay into a fresh folder" in again.err
    assert len(again.err.splitlines()) == 1


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("0", None), ("1", 1.0), ("0.5", 0.5), ("1e4", 10_000.0)])
def test_a_speed_is_read(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["-1", "fast", "inf", "nan", ""])
def test_an_impossible_speed_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="must be above 0"):
        parse_speed(text)


def test_a_bad_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("{\n")
    ended = tenfour("replay", str(path))
    assert ended.status == 1
    assert ended.err.startswith(f"tenfour: {path}, line 1: is not JSON")


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    ended = tenfour("replay", str(path))
    assert (ended.status, ended.err) == (1, f"tenfour: {path}: can't be read: No such file or directory\n")
