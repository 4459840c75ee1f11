"""Keeps child processes running: starts each, starts it again when it ends, and ends all of them together.

A child runs under a guard (`process_guard`), so that it ends with this process even when that is killed. A
child that ends, with whatever status, is started again after a pause that doubles with each failure in a row.
"""

import asyncio
import signal
import socket
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from streams.process_guard import guarded

OnLine = Callable[[str, str], None]
_LAST_LINES_S = 1.0
_GUARD_MARGIN_S = 5.0
_LONGEST_LINE = 65_536


class ChildState(StrEnum):
    """`starting`: alive for less than `settled_s`; `backing off`: waiting to be started again."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ChildStatus:
    """One child now: `pid` while it runs, how often it was started again, and why it last ended."""

    name: str
    pid: int | None
    state: ChildState
    restarts: int
    last_reason: str | None


@dataclass(frozen=True)
class BackOff:
    """Seconds to wait before starting again: `first_s`, doubled a failure, at most `most_s`.

    A child that lived for `steady_s` has no failures behind it.
    """

    first_s: float = 0.5
    most_s: float = 30.0
    steady_s: float = 60.0

    def failures(self, before: int, alive_s: float) -> int:
        """Failures in a row, now that a child has ended after `alive_s`."""
        return 1 if alive_s >= self.steady_s else before + 1

    def pause_s(self, failures: int) -> float:
        return min(self.first_s * 2.0 ** min(failures - 1, 32), self.most_s)


class Supervisor:
    """Supervises named commands: `start`, look at `snapshot`, `stop`.

    `on_line` is given a child's name and each line that it writes, to either stream; it must not raise.
    `environ` is the children's environment, by default this process's own. `clock` gives seconds, only ever
    increasing.
    """

    def __init__(
        self,
        commands: Sequence[tuple[str, Sequence[str]]],
        *,
        back_off: BackOff = BackOff(),
        grace_s: float = 10.0,
        settled_s: float = 1.0,
        environ: Mapping[str, str] | None = None,
        on_line: OnLine = lambda _name, _line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grace_s = grace_s
        plan = _Plan(back_off, grace_s, settled_s, environ, on_line, clock)
        self._children = [_Child(name, command, plan) for name, command in commands]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start every child; returns when each has been tried once."""
        self._tasks = [asyncio.create_task(child.keep(), name=child.name) for child in self._children]
        await asyncio.gather(*(child.tried.wait() for child in self._children))

    async def stop(self) -> None:
        """End every child: SIGTERM, and SIGKILL to those that are still there after the grace."""
        for child in self._children:
            child.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._grace_s + _GUARD_MARGIN_S)
            for task in late:  # closes the life lines of guards that do not answer
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def snapshot(self) -> list[ChildStatus]:
        """Every child now, in the order of the commands."""
        return [child.status() for child in self._children]


@dataclass(frozen=True)
class _Plan:
    back_off: BackOff
    grace_s: float
    settled_s: float
    environ: Mapping[str, str] | None
    on_line: OnLine
    clock: Callable[[], float]


class _Child:
    """One command and the process that runs it at the moment, if any."""

    def __init__(self, name: str, command: Sequence[str], plan: _Plan) -> None:
        self.name = name
        self.tried = asyncio.Event()
        self._command, self._plan = command, plan
        self._stopping = asyncio.Event()
        self._guard: Process | None = None
        self._pid: int | None = None
        self._since = 0.0
        self._starts = 0
        self._state = ChildState.STOPPED
        self._reason: str | None = None
        self._last_error_line = ""

    def status(self) -> ChildStatus:
        restarts = max(self._starts - 1, 0)
        return ChildStatus(self.name, self._pid, self._current_state(), restarts, self._reason)

    def stop(self) -> None:
        self._stopping.set()
        if self._guard is not None:
            with suppress(ProcessLookupError):
                self._guard.terminate()

    async def keep(self) -> None:
        """Run the command again and again until told to stop."""
        failures = 0
        try:
            while not self._stopping.is_set():
                began = self._plan.clock()
                reason = await self._run_once()
                if self._stopping.is_set():
                    break
                self._reason, self._state = reason, ChildState.BACKING_OFF
                failures = self._plan.back_off.failures(failures, self._plan.clock() - began)
                await self._pause(self._plan.back_off.pause_s(failures))
        finally:
            self._state = ChildState.STOPPED

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _run_once(self) -> str:
        """Start the command and wait for its end; gives the reason for that."""
        self._starts += 1
        self._since, self._state, self._last_error_line = self._plan.clock(), ChildState.STARTING, ""
        line, guards_end = socket.socketpair()
        try:
            with line, guards_end:
                self._guard = await self._guarded(guards_end)
                guards_end.close()
                if self._stopping.is_set():
                    self._guard.terminate()
                return await self._until_end(self._guard, line)
        except OSError as error:
            return f"cannot be started: {error}"
        finally:
            self._guard = self._pid = None
            self.tried.set()

    async def _guarded(self, guards_end: socket.socket) -> Process:
        return await asyncio.create_subprocess_exec(
            *guarded(self._command, self._plan.grace_s),
            stdin=guards_end.fileno(),
            stdout=PIPE,
            stderr=PIPE,
            env=self._plan.environ,
            start_new_session=True,
        )

    async def _until_end(self, guard: Process, line: socket.socket) -> str:
        assert guard.stdout is not None and guard.stderr is not None
        readers = asyncio.gather(self._read(guard.stdout), self._read(guard.stderr, is_error=True))
        try:
            self._pid = await _told_id(line)
            self.tried.set()
            status = await guard.wait()
            self._pid = None
            with suppress(TimeoutError):  # a grandchild may hold the streams open
                await asyncio.wait_for(asyncio.shield(readers), _LAST_LINES_S)
        finally:
            readers.cancel()
        return _reason(status, self._last_error_line)

    async def _read(self, stream: asyncio.StreamReader, is_error: bool = False) -> None:
        async for line in _lines(stream):
            if is_error and line.strip():
                self._last_error_line = line.strip()
            self._plan.on_line(self.name, line)

    def _current_state(self) -> ChildState:
        settled = self._plan.clock() - self._since >= self._plan.settled_s
        return ChildState.RUNNING if self._state is ChildState.STARTING and settled else self._state


async def _told_id(line: socket.socket) -> int | None:
    """The process id that the guard tells first; None when it could not start the command."""
    line.setblocking(False)
    told = await asyncio.get_running_loop().sock_recv(line, 64)
    return int(told) if told else None


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The stream's lines; one without end is cut, so that it can't hold up its writer."""
    rest = b""
    while chunk := await stream.read(_LONGEST_LINE):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) >= _LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _reason(status: int, last_error_line: str) -> str:
    """Why a child ended: the signal that killed it, else what it last wrote to standard error."""
    number = -status if status < 0 else status - 128
    if number > 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(number).name}"
    return last_error_line or f"ended with status {status}"
