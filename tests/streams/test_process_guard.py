"""A guard's command ends with its owner, whatever ends the owner."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from streams.process_guard import STAY, guarded

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)",
]
PATIENCE_S = 30


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


class Owned:
    """A guard that this process owns, its life line, and the process id that it tells."""

    def __init__(self, command: Sequence[str], grace_s: float = 5) -> None:
        self.line, guards_end = socket.socketpair()
        with guards_end:
            self.guard = subprocess.Popen(
                guarded(command, grace_s),
                stdin=guards_end.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
                text=True,
            )
        self.child = int(self.line.recv(64) or 0)

    def end(self) -> None:
        self.line.close()
        self.guard.communicate(timeout=PATIENCE_S)


@pytest.fixture
def own() -> Iterator[type[Owned]]:
    """Starts guards; ends what is left of them."""
    with ExitStack() as stack:

        class Ended(Owned):
            def __init__(self, command: Sequence[str], grace_s: float = 5) -> None:
                super().__init__(command, grace_s)
                stack.callback(self.end)

        yield Ended


def test_the_command_ends_when_the_life_line_closes(own: type[Owned]) -> None:
    owned = own(SLEEPER)
    owned.line.close()
    assert owned.guard.wait(PATIENCE_S) == 128 + signal.SIGTERM
    assert is_gone(owned.child)


def test_the_command_ends_when_its_owner_is_killed_though_a_fork_holds_the_life_line() -> None:
    script = f"""
import os, subprocess, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.streams.test_process_guard import Owned, SLEEPER
owned = Owned(SLEEPER)
fork = os.fork()
if fork == 0:
    time.sleep({2 * PATIENCE_S})
    os._exit(0)
print(owned.child, fork, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child, fork = (int(told) for told in owner.stdout.readline().split())
        owner.kill()
    try:
        until(lambda: is_gone(child), "the command's end")
    finally:
        os.kill(fork, signal.SIGKILL)


def test_a_command_that_ignores_sigterm_is_killed_after_the_grace(own: type[Owned], tmp_path: Path) -> None:
    owned = own([*STUBBORN, str(tmp_path / "deaf")], grace_s=0.3)
    until((tmp_path / "deaf").exists, "the command's start")
    owned.guard.terminate()
    assert owned.guard.wait(PATIENCE_S) == 128 + signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent by itself")
def test_the_command_ends_when_the_guard_itself_is_killed(own: type[Owned]) -> None:
    owned = own(SLEEPER)
    owned.guard.kill()
    until(lambda: is_gone(owned.child), "the command's end")


def test_a_command_told_to_stay_outlives_the_life_line(own: type[Owned]) -> None:
    owned = own(SLEEPER)
    owned.line.sendall(STAY)
    owned.line.close()
    time.sleep(1.5)  # longer than the guard takes to look for its owner
    assert owned.guard.poll() is None and not is_gone(owned.child)
    os.kill(owned.child, signal.SIGTERM)
    owned.guard.wait(PATIENCE_S)


def test_the_guard_exits_as_its_command_did(own: type[Owned]) -> None:
    assert own([sys.executable, "-c", "raise SystemExit(7)"]).guard.wait(PATIENCE_S) == 7


def test_a_command_that_cannot_be_run_ends_its_guard_with_a_line_that_says_so(own: type[Owned]) -> None:
    owned = own(["no-such-program"])
    _, error = owned.guard.communicate(timeout=PATIENCE_S)
    assert owned.guard.returncode == 127
    assert error.startswith("cannot run no-such-program: ")
