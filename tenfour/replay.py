"""`tenfour replay`: a recorded file into the log."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.replay import ReplayTotals, span_after_last_post
from gateway.replay import replay as write_replay
from gateway.replay_file import read_replay
from streams.settings import load_settings
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy
from tenfour.printing import print_json, progress_bar, remark

app = typer.Typer()
FASTEST = ("0", "max")


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Mentions and replies as .csv or .jsonl, either also with .gz.")],
    speed: Annotated[
        str, typer.Option(help="Recorded seconds a second: 60 plays an hour in a minute; max is as fast as it goes.")
    ] = "max",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout at the end.")] = False,
) -> None:
    """Replay recorded mentions and replies; time in the log is then that of the file."""
    times = parse_speed(speed)
    started = time.monotonic()
    totals = _replayed(file, times)
    seconds = time.monotonic() - started
    if json:
        print_json({**dataclasses.asdict(totals), "seconds": round(seconds, 3)})
    else:
        print(f"{totals.mentions} mentions, {totals.replies} replies, {totals.ticks} ticks in {seconds:.1f} s")


def _replayed(file: Path, speed: float | None) -> ReplayTotals:
    settings = load_settings()
    posts = read_replay(file)
    span = span_after_last_post(read_policy(settings.policy))
    settings = with_kafka(settings)
    if settings.ticks == "live":
        remark("TENFOUR_TICKS is live here: stages run like this write their own clock among the replay's")
    with progress_bar(file.name) as progress:
        work = write_replay(posts, settings, last_deadline_after=span, speed=speed, clock=time.time, progress=progress)
        return asyncio.run(work)


def parse_speed(text: str) -> float | None:
    """Recorded seconds a second; None is as fast as it goes. Raises typer.BadParameter."""
    if text in FASTEST:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = -1
    if not 0 < speed < float("inf"):
        raise typer.BadParameter(f"--speed {text}: must be above 0, such as 3600, or max")
    return speed
