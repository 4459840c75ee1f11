"""`tenfour status` against a real broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from agents.registry import STAGES
from tests.tenfour.command import ROOT, environment, tenfour

pytestmark = pytest.mark.kafka
FIELDS = {"stage", "topics", "members", "lag", "oldest_s", "per_second"}


def test_every_stage_is_told_once_for_machines(kafka: str) -> None:
    told = json.loads(tenfour("status", "--json", KAFKA_BOOTSTRAP=kafka).out)
    assert [stage["stage"] for stage in told["stages"]] == [*STAGES, "project"]
    assert {frozenset(stage) for stage in told["stages"]} == {frozenset(FIELDS)}
    assert "clock_late_s" in told


def test_who_reaches_out_is_told_too_if_the_settings_say_where_to(kafka: str) -> None:
    ended = tenfour("status", "--json", KAFKA_BOOTSTRAP=kafka, TENFOUR_PUBLISH_URL="https://channel.example")
    assert json.loads(ended.out)["stages"][-1]["topics"] == ["desk-events"]


def test_elsewhere_than_on_a_terminal_the_table_is_written_once(kafka: str) -> None:
    ended = tenfour("status", KAFKA_BOOTSTRAP=kafka)
    assert ended.status == 0
    assert [line.split()[0] for line in ended.out.splitlines() if line.strip()][2:-1] == [*STAGES, "project"]
    assert ended.out.splitlines()[-1].startswith("clock: ")


def test_watching_goes_on_until_it_is_told_to_stop(kafka: str) -> None:
    program = [sys.executable, "-m", "tenfour.main", "status", "--watch", "--json"]
    with subprocess.Popen(
        program, env=environment(KAFKA_BOOTSTRAP=kafka), cwd=ROOT, stdout=subprocess.PIPE
    ) as watching:
        assert watching.stdout is not None
        lines = [watching.stdout.readline() for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
    assert [len(json.loads(line)["stages"]) for line in lines] == [len(STAGES) + 1] * 2
    assert watching.returncode == 0


def test_a_cluster_without_the_topics_is_told_in_one_line(kafka: str) -> None:
    ended = tenfour("status", KAFKA_BOOTSTRAP=kafka, TENFOUR_PARTITIONS="3")
    assert (ended.status, len(ended.err.splitlines())) == (1, 1)
