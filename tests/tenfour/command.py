"""Runs `tenfour` as an operator does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with these settings and no others of the program."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TENFOUR_", "KAFKA_"))}
    caches = {name: value for name, value in os.environ.items() if name == "TENFOUR_CACHE"}
    return {**kept, **caches, **settings}


def tenfour(*arguments: str, **settings: str) -> Ended:
    """Runs the command in the checkout and waits for its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "tenfour.main", *arguments],
        env=environment(**settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
