"""Whole installations for tests: a broker of their own with topics, tables and a token, with or without workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.free_ports import free_port
from streams.embedded_broker import start_broker
from tenfour.doctor import LAG_LIMIT, check_all
from tenfour.doctor_rules import Finding
from tests.kafka_broker import HEAP_MB
from tests.tenfour.command import ROOT, Ended, environment, tenfour

PATIENCE_S = 200


class Installation(NamedTuple):
    """`settings` are its environment; it is found by TENFOUR_DATA alone, as an operator's is."""

    folder: Path
    bootstrap: str
    settings: Mapping[str, str]

    def run(self, *arguments: str, **changed: str) -> Ended:
        """`tenfour` with its settings, some of them changed."""
        return tenfour(*arguments, **{**self.settings, **changed})

    def examined(self, **changed: str) -> list[Finding]:
        """What `tenfour doctor` finds with its settings, some of them changed; here, since a process takes long."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name not in environment()]:
                patch.delenv(name)
            for name, value in {**self.settings, **changed}.items():
                patch.setenv(name, value)
            return check_all(LAG_LIMIT)


def amiss(found: Sequence[Finding]) -> list[Finding]:
    """What is neither well nor impossible to check."""
    return [finding for finding in found if finding.outcome in ("warning", "fault")]


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    """Nobody works there yet."""
    with start_broker(folder / "kafka", heap_mb=HEAP_MB) as broker:
        settings = {
            "TENFOUR_DATA": str(folder),
            "TENFOUR_GATEWAY_PORT": str(free_port()),
            "TENFOUR_CONSOLE_PORT": str(free_port()),
        }
        installation = Installation(folder, broker.bootstrap, settings)
        for command in (
            ("topics", "apply"),
            ("database", "upgrade"),
            ("tokens", "create", "--person", "ann", "--label", "desk"),
        ):
            assert installation.run(*command).status == 0
        yield installation


@contextmanager
def working(installation: Installation) -> Iterator[Installation]:
    """With `tenfour up`, from when the doctor is content."""
    program = [sys.executable, "-m", "tenfour.main", "up"]
    settings = environment(**installation.settings, TENFOUR_METRICS_PORT=str(free_port()))
    with subprocess.Popen(program, env=settings, cwd=ROOT, stderr=subprocess.DEVNULL) as up:
        try:
            _wait_until_well(installation)
            yield installation
        finally:
            up.terminate()
            up.wait(PATIENCE_S)


def _wait_until_well(installation: Installation) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while found := amiss(installation.examined()):
        assert time.monotonic() < deadline, found
