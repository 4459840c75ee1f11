"""One Kafka node of our own, for one machine: no Docker, no installed Java, no broker to set up.

`start_broker(folder)` starts it and returns when it answers; it ends with the process that started it,
however that ends, unless it is to keep running. Its data stays in the folder. Everything here blocks: call it
from asyncio through `to_thread`.
"""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from streams.broker_folder import BrokerFolder, BrokerState
from streams.broker_jars import BrokerError, Progress, default_cache, fetch_jars, silent
from streams.broker_launch import GRACE_S, launch
from streams.broker_run import KafkaRuntime

__all__ = [
    "BrokerError",
    "BrokerHandle",
    "BrokerRunning",
    "RunningBroker",
    "broker_status",
    "start_broker",
    "stop_broker",
]

_POLL_S = 0.05


@dataclass(frozen=True)
class RunningBroker:
    """A broker that runs: its address `host:port`, the process id of its Java, its folder."""

    bootstrap: str
    pid: int
    folder: Path


class BrokerRunning(BrokerError):
    """A broker runs on that folder already; `running` is that one."""

    def __init__(self, running: RunningBroker) -> None:
        super().__init__(
            f"a broker runs on {running.folder} already, at {running.bootstrap} (process {running.pid}): "
            "use that one, or stop it with `tenfour broker stop`"
        )
        self.running = running


class BrokerHandle:
    """A broker that this process started. Leaving its `with` block stops it."""

    def __init__(self, running: RunningBroker, guard: "subprocess.Popen[bytes]", line: socket.socket) -> None:
        self.bootstrap, self.pid, self.folder = running.bootstrap, running.pid, running.folder
        self._guard, self._line = guard, line

    @property
    def is_running(self) -> bool:
        return self._guard.poll() is None

    def stop(self, timeout_s: float = GRACE_S) -> None:
        """End it in order; after `timeout_s` by SIGKILL. Harmless where it has ended."""
        if self.is_running:
            self._guard.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._guard.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End it by SIGKILL, with no chance to write anything more."""
        if self.is_running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._guard.wait()
        self._line.close()

    def __enter__(self) -> "BrokerHandle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_broker(
    folder: Path,
    *,
    cache: Path | None = None,
    heap_mb: int = 768,
    keep_running: bool = False,
    progress: Progress = silent,
    timeout_s: float = 120,
) -> BrokerHandle:
    """Start the broker of `folder`, making it where it is new, and return when it answers.

    `cache` holds Kafka's jars (default: `default_cache()`), `heap_mb` bounds Java's heap in MiB, `timeout_s`
    the time from launch to the first answer. With `keep_running` it outlives this process. Raises
    BrokerRunning where one runs on the folder, BrokerError where it can't be fetched or started.
    """
    at = _made(folder)
    _refuse_second(at)
    cache = default_cache() if cache is None else cache.absolute()
    runtime = KafkaRuntime(fetch_jars(cache, progress=progress), cache)
    with _held(at, timeout_s, progress) as lock:
        launched = launch(at, runtime, lock, heap_mb, keep_running, progress, timeout_s)
    handle = BrokerHandle(_running(at.path, launched.state), launched.guard, launched.line)
    if runtime.lacks_archive(at.path):
        _quicken(runtime, handle, progress)
    return handle


def broker_status(folder: Path) -> RunningBroker | None:
    """The broker that runs on `folder` and has answered; None where there is none."""
    state = BrokerFolder(folder.absolute()).running()
    return _running(folder.absolute(), state) if state else None


def stop_broker(folder: Path, timeout_s: float = GRACE_S) -> bool:
    """Stop the broker of `folder`, whoever started it; SIGKILL after `timeout_s`. False where none runs."""
    running = broker_status(folder)
    if running is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(running.pid, number)
        if _freed(BrokerFolder(running.folder), timeout_s):
            return True
    raise BrokerError(f"the broker of {running.folder} (process {running.pid}) does not end: end it by hand")


def _running(folder: Path, state: BrokerState) -> RunningBroker:
    assert state.broker is not None
    return RunningBroker(state.bootstrap, state.broker.pid, folder)


def _made(folder: Path) -> BrokerFolder:
    path = folder.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        return BrokerFolder(path)
    except OSError as error:
        raise BrokerError(f"cannot use {path} for the broker: {error.strerror}; choose another folder") from error


def _refuse_second(at: BrokerFolder) -> None:
    """Raise BrokerRunning where a broker runs here that is not about to end with its owner."""
    state = at.running()
    if state is not None and not state.is_ending():
        raise BrokerRunning(_running(at.path, state))


def _held(at: BrokerFolder, timeout_s: float, progress: Progress) -> BinaryIO:
    """The folder's lock. Waits for a broker that is ending, or for one that starts, to be refused then."""
    deadline, told = time.monotonic() + timeout_s, False
    while (lock := at.lock()) is None:
        _refuse_second(at)
        if not told:
            progress("waiting for another start or end on this folder")
            told = True
        if time.monotonic() > deadline:
            raise BrokerError(f"{at.path} is held by another start or end for more than {timeout_s:.0f} s")
        time.sleep(_POLL_S)
    return lock


def _quicken(runtime: KafkaRuntime, handle: BrokerHandle, progress: Progress) -> None:
    """Make later starts quicker: here and not later, since a first start is expected to take its time."""
    progress("preparing quicker starts, once")
    try:
        with suppress(OSError):
            runtime.make_archive(handle.folder)
    except BaseException:
        handle.stop()
        raise


def _freed(at: BrokerFolder, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while at.is_held():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
