"""One run of one contender in a process of its own, timed from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.processes import END_S, cpu_s, end, memory_mb
from bench.watching import Watch, watch
from bench.work import TARGET, WorkName

ROOT = Path(__file__).parent.parent
START_S = 120.0


@dataclass(frozen=True)
class Race:
    """Read `warm_up + records` records of `source`; the time of the last `records` counts."""

    contender: str
    bootstrap: str
    source: str
    partitions: int
    work: WorkName
    warm_up: int
    records: int

    @property
    def total(self) -> int:
        return self.warm_up + self.records


@dataclass(frozen=True)
class RunResult:
    per_second: float
    """Records written, over the time from the end of the warm-up to the last."""
    cpu_us: float
    """Processor time of the contender for a record, in microseconds, over the same span."""
    memory_mb: float
    commit_after_s: float
    """From the last write to the commit of the last offset."""


async def run_race(race: Race, group: str) -> RunResult:
    """Raises Stuck if the contender ends, stands still, or writes more than it should."""
    async with watch(race.bootstrap, race.source, TARGET, race.partitions) as watched:
        with _process(race, group) as process:
            result = await _timed(race, group, process, watched)
        await watched.empty_target()
    return result


async def _timed(race: Race, group: str, process: psutil.Popen, watched: Watch) -> RunResult:
    timeout_s = START_S + race.total / 500
    first = await watched.until_written(race.warm_up, lambda: process.poll() is None, timeout_s)
    cpu = cpu_s(process)
    last = await watched.until_written(race.total, lambda: process.poll() is None, timeout_s)
    used, memory = cpu_s(process) - cpu, memory_mb(process)
    committed = await watched.until_committed(group, race.total, END_S)
    done = last.records - first.records
    return RunResult(done / (last.seconds - first.seconds), used / done * 1e6, memory, committed.seconds - last.seconds)


@contextmanager
def _process(race: Race, group: str) -> Iterator[psutil.Popen]:
    command = [sys.executable, "-m", "bench.contenders", race.contender, "--bootstrap", race.bootstrap]
    command += ["--source", race.source, "--group", group, "--partitions", str(race.partitions), "--work", race.work]
    with tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder:  # some leave folders where they run
        process = psutil.Popen(command, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL)
        try:
            yield process
        finally:
            end(process)


def _environment() -> dict[str, str]:
    paths = {"TENFOUR_MODEL": str(ROOT / "models" / "mentions"), "TENFOUR_POLICY": str(ROOT / "policy.yaml")}
    return {**os.environ, "PYTHONPATH": str(ROOT), **paths}
