"""The deadlines stage in a process of its own, as the product runs it, measured from outside and killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psutil

from bench.free_ports import free_port
from bench.processes import end
from bench.watching import Stuck
from streams.settings import PREFIX

LOOK_S: Final = 0.1
OPEN_TIMERS: Final = "tenfour_open_timers{"


@dataclass
class DeadlinesWorker:
    """Not started yet. `log` takes what its processes write."""

    bootstrap: str
    partitions: int
    log: Path
    _process: psutil.Popen | None = None
    _metrics_port: int = field(default_factory=free_port)
    _log_start: int = 0

    @property
    def process(self) -> psutil.Popen:
        """Raises Stuck if it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise Stuck(f"the worker does not run; it wrote: {self._said()[-500:]!r}")
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        settings = {
            f"{PREFIX}BOOTSTRAP": self.bootstrap,
            f"{PREFIX}PARTITIONS": str(self.partitions),
            f"{PREFIX}METRICS_PORT": str(self._metrics_port),
        }
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = psutil.Popen(
                [sys.executable, "-m", "tenfour.main", "run", "deadlines"],
                env={**os.environ, **settings},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and what that leaves time for."""
        if self._process is not None:
            end(self._process)

    async def until_runs(self) -> float:
        """When the process said that it runs, in seconds since 1970. Its partitions come later. Raises Stuck."""
        while "running deadlines" not in self._said():
            assert self.process
            await asyncio.sleep(LOOK_S)
        return time.time()

    async def until_loaded(self) -> float:
        """When the state of every partition had been loaded, in seconds since 1970. Raises Stuck."""
        async with httpx.AsyncClient() as client:
            while await self._partitions_loaded(client) < self.partitions:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
        return time.time()

    async def _partitions_loaded(self, client: httpx.AsyncClient) -> int:
        assert self.process
        try:
            answer = await client.get(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=5)
        except httpx.TransportError:
            return 0
        return sum(line.startswith(OPEN_TIMERS) for line in answer.text.splitlines())

    def _said(self) -> str:
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")


@contextmanager
def deadlines_worker(bootstrap: str, partitions: int) -> Iterator[DeadlinesWorker]:
    """Not started yet; stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder:
        worker = DeadlinesWorker(bootstrap, partitions, Path(folder) / "worker.log")
        try:
            yield worker
        finally:
            worker.stop()
