"""Workers in processes of their own, to be stopped, killed and frozen."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0


class Worker:
    """One process that runs a stage, of `tests/streams/processes/`. Its standard error goes to the file `errors`."""

    def __init__(self, program: str, arguments: dict[str, object], settings: dict[str, object], errors: Path) -> None:
        words = [f"--{name.replace('_', '-')}={value}" for name, value in arguments.items()]
        self._errors = errors
        with errors.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tests.streams.processes.{program}", *words],
                cwd=ROOT,
                env=_environment(settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=output,
            )

    @property
    def status(self) -> int | None:
        """Exit status, None while it runs."""
        return self._process.poll()

    def errors(self) -> list[str]:
        """The lines of its standard error."""
        return self._errors.read_text().splitlines()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def go(self) -> None:
        """Lets a worker run that was started to wait."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def stop(self) -> int:
        """Ends it in order, and gives its exit status."""
        self._process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Its exit status, once it has one."""
        await self._until(lambda: self.status is not None, "ended")
        assert self.status is not None
        return self.status

    async def frozen(self) -> None:
        """Returns when the process stands still."""
        of_system = psutil.Process(self._process.pid)
        await self._until(lambda: of_system.status() == psutil.STATUS_STOPPED, "frozen")

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"not {what} within {PATIENCE_S} s: {self.errors()}"
            await asyncio.sleep(0.02)


class Workers:
    """Starts the workers of one test, which ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Worker] = []

    def start(self, program: str, arguments: dict[str, object], **settings: object) -> Worker:
        """`settings` are those of `streams.settings`, by name."""
        errors = self._folder / f"worker-{len(self._started)}.err"
        self._started.append(Worker(program, arguments, settings, errors))
        return self._started[-1]

    def end(self) -> None:
        for worker in self._started:
            with suppress(ProcessLookupError):
                worker.send(signal.SIGCONT)
            worker.kill()


def _environment(settings: dict[str, object]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TENFOUR_")}
    return inherited | {f"TENFOUR_{name.upper()}": str(value) for name, value in settings.items()}
