"""Supervised children: started again when they end, ended when the supervisor does."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from streams.supervise import BackOff, ChildState, ChildStatus, Supervisor

SLEEPS = "import time; time.sleep(600)"
HASTE = BackOff(first_s=0.05, most_s=0.2)
PATIENCE_S = 30
Supervise = Callable[..., Awaitable[Supervisor]]


def python(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-u", "-c", script, *(str(argument) for argument in arguments)]


@pytest_asyncio.fixture
async def supervise() -> AsyncIterator[Supervise]:
    """Starts a supervisor of commands; stops it after the test."""
    started: list[Supervisor] = []

    async def start(*commands: tuple[str, list[str]], back_off: BackOff = HASTE, **rest: object) -> Supervisor:
        supervisor = Supervisor(commands, back_off=back_off, **rest)  # type: ignore[arg-type]
        started.append(supervisor)
        await supervisor.start()
        return supervisor

    yield start
    for supervisor in started:
        await supervisor.stop()


async def seen(supervisor: Supervisor, wanted: Callable[[ChildStatus], bool]) -> ChildStatus:
    """The only child's status as soon as it is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while not wanted(status := supervisor.snapshot()[0]):
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s; now {status}"
        await asyncio.sleep(0.01)
    return status


async def test_a_child_that_dies_is_started_again_and_its_last_error_line_is_the_reason(
    supervise: Supervise,
) -> None:
    dies = "import sys; print('a', file=sys.stderr); print('no such topic', file=sys.stderr); sys.exit(3)"
    supervisor = await supervise(("dies", python(dies)))
    status = await seen(supervisor, lambda child: child.restarts >= 2)
    assert status.last_reason == "no such topic"


async def test_a_killed_child_comes_back_as_another_process(supervise: Supervise) -> None:
    supervisor = await supervise(("sleeps", python(SLEEPS)))
    first = supervisor.snapshot()[0].pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    status = await seen(supervisor, lambda child: child.restarts == 1 and child.pid is not None)
    assert status.pid != first
    assert status.last_reason == "killed by SIGKILL"


async def test_a_child_that_ends_without_a_word_is_started_again_too(supervise: Supervise) -> None:
    supervisor = await supervise(("ends", python("pass")))
    status = await seen(supervisor, lambda child: child.restarts >= 1)
    assert status.last_reason == "ended with status 0"


async def test_a_program_that_is_not_there_is_told_as_the_reason(supervise: Supervise) -> None:
    supervisor = await supervise(("missing", ["no-such-program"]))
    status = await seen(supervisor, lambda child: child.last_reason is not None)
    assert "cannot run no-such-program" in str(status.last_reason)


async def test_a_child_is_starting_then_running_then_stopped(supervise: Supervise) -> None:
    now = 100.0
    supervisor = await supervise(("sleeps", python(SLEEPS)), settled_s=1.0, clock=lambda: now)
    assert supervisor.snapshot()[0].state is ChildState.STARTING
    now += 1.0
    assert supervisor.snapshot()[0].state is ChildState.RUNNING
    await supervisor.stop()
    assert supervisor.snapshot() == [ChildStatus("sleeps", None, ChildState.STOPPED, 0, None)]


async def test_a_child_waits_out_its_pause_as_backing_off_and_a_stop_cuts_that_short(
    supervise: Supervise,
) -> None:
    supervisor = await supervise(("ends", python("pass")), back_off=BackOff(first_s=600, most_s=600))
    status = await seen(supervisor, lambda child: child.state is ChildState.BACKING_OFF)
    assert (status.pid, status.restarts) == (None, 0)
    await asyncio.wait_for(supervisor.stop(), PATIENCE_S)


async def test_a_stop_forwards_sigterm_and_lets_the_child_finish(supervise: Supervise, tmp_path: Path) -> None:
    finishes = """
import pathlib, signal, sys, time
def finish(*_): pathlib.Path(sys.argv[1]).write_text("finished"); sys.exit(0)
signal.signal(signal.SIGTERM, finish)
print("ready")
time.sleep(600)
"""
    lines: list[tuple[str, str]] = []
    supervisor = await supervise(
        ("finishes", python(finishes, tmp_path / "note")),
        on_line=lambda name, line: lines.append((name, line)),
    )
    await seen(supervisor, lambda _: lines == [("finishes", "ready")])
    await supervisor.stop()
    assert (tmp_path / "note").read_text() == "finished"


async def test_a_stop_kills_a_child_that_ignores_sigterm_after_the_grace(supervise: Supervise) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    lines: list[str] = []
    supervisor = await supervise(("deaf", python(deaf)), grace_s=0.3, on_line=lambda _, line: lines.append(line))
    status = await seen(supervisor, lambda child: lines == ["deaf"] and child.pid is not None)
    await supervisor.stop()
    assert status.pid is not None and not psutil.pid_exists(status.pid)


async def test_one_child_that_keeps_dying_leaves_the_others_alone(supervise: Supervise) -> None:
    supervisor = await supervise(("dies", python("raise SystemExit(1)")), ("sleeps", python(SLEEPS)))
    steady = supervisor.snapshot()[1].pid
    await seen(supervisor, lambda dying: dying.restarts >= 2)
    assert (supervisor.snapshot()[1].pid, supervisor.snapshot()[1].restarts) == (steady, 0)


async def test_a_line_without_end_does_not_hold_up_its_writer(supervise: Supervise) -> None:
    lines: list[str] = []
    supervisor = await supervise(
        ("writes", python("import sys; sys.stdout.write('x' * 1_000_000); sys.exit('done')")),
        on_line=lambda _, line: lines.append(line),
    )
    status = await seen(supervisor, lambda child: child.last_reason is not None)
    assert status.last_reason == "done"
    assert sum(line.count("x") for line in lines) >= 1_000_000


def test_children_end_with_a_supervisor_that_is_killed() -> None:
    script = f"""
import asyncio, sys
from streams.supervise import Supervisor
async def run():
    supervisor = Supervisor([("sleeps", [sys.executable, "-c", {SLEEPS!r}])])
    await supervisor.start()
    print(supervisor.snapshot()[0].pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(run())
"""
    root = Path(__file__).parents[2]
    with subprocess.Popen(python(script), cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + PATIENCE_S
    while psutil.pid_exists(child):
        assert time.monotonic() < deadline, "the child outlived its supervisor"
        time.sleep(0.05)


@pytest.mark.parametrize(("failures", "pause_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (5000, 30.0)])
def test_the_pause_doubles_with_each_failure_up_to_half_a_minute(failures: int, pause_s: float) -> None:
    assert BackOff().pause_s(failures) == pause_s


def test_a_child_that_lived_for_a_minute_has_no_failures_behind_it() -> None:
    assert BackOff().failures(9, alive_s=59.9) == 10
    assert BackOff().failures(9, alive_s=60.0) == 1
