"""Workers in processes of their own, to be stopped, killed and frozen."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Worker:
    """One process that runs a stage. Its standard error goes to a file."""

    def __init__(self, program: str, arguments: dict[str, object], settings: dict[str, object], errors: Path) -> None:
        """`settings` are those of `streams.settings`, by name."""
        self._errors = errors
        words = [f"--{name.replace('_', '-')}={value}" for name, value in arguments.items()]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TENFOUR_")}
        environment |= {f"TENFOUR_{name.upper()}": str(value) for name, value in settings.items()}
        with errors.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"tests.streams.processes.{program}", *words],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def status(self) -> int | None:
        """Exit status, None while it runs."""
        return self.process.poll()

    def errors(self) -> list[str]:
        """The lines of its standard error."""
        return self._errors.read_text().splitlines()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """Ends it in order and gives its exit status."""
        self.process.terminate()
        return await self.ended()

    async def ended(self, patience_s: float = PATIENCE_S) -> int:
        """Its exit status, once it has one."""
        deadline = time.monotonic() + patience_s
        while (status := self.process.poll()) is None:
            assert time.monotonic() < deadline, f"still runs after {patience_s} s"
            await asyncio.sleep(0.02)
        return status

    async def frozen(self, patience_s: float = PATIENCE_S) -> None:
        """Returns when the process stands still by a SIGSTOP."""
        deadline = time.monotonic() + patience_s
        while _state(self.pid) != "T":
            assert self.status is None, self.errors()
            assert time.monotonic() < deadline, f"not frozen after {patience_s} s"
            await asyncio.sleep(0.02)


def _state(pid: int) -> str:
    import psutil

    return "T" if psutil.Process(pid).status() == psutil.STATUS_STOPPED else ""


class Workers:
    """Starts workers of one test; ends them all with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Worker] = []

    def start(self, program: str, arguments: dict[str, object], **settings: object) -> Worker:
        errors = self._folder / f"worker-{len(self._started)}.err"
        worker = Worker(program, arguments, settings, errors)
        self._started.append(worker)
        return worker

    def end(self) -> None:
        for worker in self._started:
            with suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGCONT)
            worker.kill()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    started = Workers(tmp_path)
    yield started
    started.end()
