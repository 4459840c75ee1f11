"""Runs a command and ends it when its owner is gone, even by SIGKILL.

A guard is a small process between the two. Its standard input is a socket to the owner, the life line: the
guard writes the command's process id to it, and ends the command (SIGTERM, after a grace SIGKILL) when it
closes. On Linux the kernel kills the command should the guard itself be killed; elsewhere the command then
stays. SIGTERM to the guard ends both. The guard exits with the command's status, 128 + n for signal n. It
needs nothing but the standard library.
"""

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

STAY = b"stay\n"
"""What an owner writes to the life line when the command shall outlive it."""

_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_OWNER_CHECK_S = 1.0


def guarded(command: Sequence[str], grace_s: float, kept_fds: Sequence[int] = ()) -> list[str]:
    """The command line of a guard for `command`, owned by this process; it hands on `kept_fds`.

    Start it in a session of its own, so that Ctrl-C reaches the owner alone, with the life line as its
    standard input.
    """
    fds = ",".join(str(fd) for fd in kept_fds)
    # Isolated and without site: the guard starts quickly and depends on nothing that may be mid-upgrade.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(grace_s), fds, *command]


def guard(command: Sequence[str], owner: int, grace_s: float, kept_fds: Sequence[int]) -> int:
    """Run `command` until it ends, or end it with its owner; gives the exit status."""
    signals = _signal_socket()
    with socket.socket(fileno=os.dup(0)) as line:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=kept_fds, preexec_fn=_dies_with_this_process()
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"cannot run {command[0]}: {error}", file=sys.stderr)
            return 127
        status = _Watch(child, line, signals, owner, grace_s).until_exit()
    return status if status >= 0 else 128 - status


class _Watch:
    """Waits for the child's exit, its owner's end or a signal, whichever is first."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        line: socket.socket,
        signals: socket.socket,
        owner: int,
        grace_s: float,
    ) -> None:
        self._child, self._signals, self._grace_s = child, signals, grace_s
        self._line: socket.socket | None = line
        self._owner = owner
        self._kill_at: float | None = None

    def until_exit(self) -> int:
        self._tell_child_id()
        while (status := self._child.poll()) is None:
            if self._is_to_end():
                self._end()
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._child.kill()
        return status

    def _tell_child_id(self) -> None:
        assert self._line is not None
        try:
            self._line.sendall(b"%d\n" % self._child.pid)
        except OSError:
            self._end()

    def _is_to_end(self) -> bool:
        """Wait for news; true when the child must go."""
        sources = [self._signals, *([self._line] if self._line else [])]
        readable, _, _ = select.select(sources, [], [], self._patience_s())
        told = self._signals in readable and any(s in _ENDING for s in self._signals.recv(64))
        return told or (self._line is not None and self._owner_is_gone(self._line in readable))

    def _patience_s(self) -> float:
        left = _OWNER_CHECK_S if self._kill_at is None else self._kill_at - time.monotonic()
        return min(max(left, 0.05), _OWNER_CHECK_S)

    def _owner_is_gone(self, line_is_readable: bool) -> bool:
        """By the life line, or by the parent's id: a fork of the owner may hold the line open."""
        news = self._read_line() if line_is_readable else b""
        if news == STAY:
            self._line = None
            return False
        return line_is_readable or os.getppid() != self._owner

    def _read_line(self) -> bytes:
        assert self._line is not None
        try:
            return self._line.recv(64)
        except OSError:
            return b""

    def _end(self) -> None:
        self._line = None
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_s
            self._child.terminate()


def _signal_socket() -> socket.socket:
    """A socket that becomes readable, a signal's number a byte, when the child exits or we shall end."""
    readable, written = socket.socketpair()
    readable.setblocking(False)
    written.setblocking(False)
    for number in (signal.SIGCHLD, *_ENDING):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(written.detach())
    return readable


def _dies_with_this_process() -> Callable[[], None] | None:
    """What the child runs before its program, so that the kernel kills it when this process is killed."""
    if sys.platform != "linux":
        return None
    prctl, guard_id = ctypes.CDLL(None).prctl, os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard_id:  # killed before the request was in force
            os._exit(1)

    return ask_kernel


def main(arguments: Sequence[str]) -> int:
    owner, grace_s, fds, *command = arguments
    return guard(command, int(owner), float(grace_s), [int(fd) for fd in fds.split(",") if fd])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
