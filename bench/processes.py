"""Processes that are measured from outside."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

END_S = 20.0


def cpu_s(process: psutil.Process) -> float:
    """Processor time so far, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_mb(process: psutil.Process) -> float:
    """Resident memory now, in MiB."""
    return process.memory_info().rss / 2**20


def most_memory_mb(process: psutil.Process) -> float | None:
    """The most resident memory that it has had, in MiB; None where there is no /proc."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return None
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def end(process: psutil.Popen) -> None:
    """Asks it to end; kills it after END_S."""
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(END_S)
            return
        process.kill()
