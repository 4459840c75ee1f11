"""`tenfour status`: how far each stage is, who runs it, and how late the clock is."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams.broker_jars import BrokerError
from streams.consumer_groups import group_members
from streams.newest_ticks import newest_ticks
from streams.progress import stage_lags
from streams.running import stop_signal
from streams.settings import Settings, load_settings
from streams.topics import MENTIONS_RAW, require_topics
from tenfour.doctor_rules import STALLED_S
from tenfour.kafka import with_kafka
from tenfour.local_pipeline import sources
from tenfour.printing import print_json, print_table
from tenfour.stage_status import Look, StageStatus, stage_statuses

EVERY_S: Final = 2.0
"""Between two looks."""
ONCE_S: Final = 1.0
"""The same where two looks are all: the pace needs both."""
ANSWER_S: Final = 20.0
"""Longest wait for what one look asks of the cluster."""
ALARM: Final = "bold red"
COLUMNS: Final = ("stage", "members", "lag, records", "oldest, s", "records/s", "reads")

app = typer.Typer()


@app.command()
def status(
    watch: Annotated[
        bool | None, typer.Option("--watch/--once", help="Until Ctrl-C, or once. Default: until Ctrl-C on a terminal.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout; with --watch, one a line.")] = False,
) -> None:
    """Show of each stage its lag in records and seconds, its members and its pace; and how late the clock is."""
    settings = with_kafka(load_settings())
    watched = sys.stdout.isatty() and not json if watch is None else watch
    asyncio.run(_status(settings, watch=watched, json=json))


async def _status(settings: Settings, *, watch: bool, json: bool) -> None:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    first = await _look(settings)
    stop = asyncio.create_task(stop_signal())
    if watch:
        await (_print_on(settings, first, stop) if json else _watch(settings, first, stop))
    else:
        await asyncio.wait([stop], timeout=ONCE_S)
        _print(first, await _look(settings), json=json)
    stop.cancel()


async def _print_on(settings: Settings, before: Look, stop: asyncio.Task[None]) -> None:
    while not stop.done():
        await asyncio.wait([stop], timeout=EVERY_S)
        look = await _look(settings)
        print_json(as_json(look, before))
        before = look


async def _watch(settings: Settings, look: Look, stop: asyncio.Task[None]) -> None:
    before = look
    with Live(get_renderable=lambda: _screen(look, before), refresh_per_second=2):
        while not stop.done():
            await asyncio.wait([stop], timeout=EVERY_S)
            before, look = look, await _look(settings)


def _print(before: Look, look: Look, *, json: bool) -> None:
    if json:
        print_json(as_json(look, before))
        return
    print_table(COLUMNS, [_row(status) for status in stage_statuses(look, before)])
    print(_clock(look.late_s))


async def _look(settings: Settings) -> Look:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _seen(settings)
    except TimeoutError:
        told = f"Kafka at {settings.bootstrap} gave no answer within {ANSWER_S:.0f} s; `tenfour doctor` says more"
        raise BrokerError(told) from None


async def _seen(settings: Settings) -> Look:
    known = sources(settings)
    groups = {stage: group for stage, group, _ in known}
    lags, members, ticks = await asyncio.gather(
        stage_lags(settings.bootstrap, known),
        group_members(settings.bootstrap, groups.values()),
        newest_ticks(settings.bootstrap, MENTIONS_RAW.name, time.time),
    )
    newest = [at for at in ticks.newest.values() if at is not None]
    late = max(0.0, ticks.looked_at - min(newest)) if newest and len(newest) == len(ticks.newest) else None
    return Look(time.monotonic(), lags, {stage: members[group] for stage, group in groups.items()}, late)


def as_json(look: Look, before: Look) -> dict[str, object]:
    """For machines; times in seconds."""
    return {"clock_late_s": look.late_s, "stages": [asdict(status) for status in stage_statuses(look, before)]}


def _screen(look: Look, before: Look) -> RenderableType:
    table = Table(*COLUMNS, title=f"Stages at {time.strftime('%H:%M:%S')}")
    for status in stage_statuses(look, before):
        table.add_row(*_row(status), style=ALARM if status.lag and not status.members else "")
    is_late = look.late_s is None or look.late_s > STALLED_S
    return Group(table, Text(_clock(look.late_s), ALARM if is_late else ""))


def _row(status: StageStatus) -> list[str]:
    shown = ["-" if number is None else f"{number:.1f}" for number in (status.oldest_s, status.per_second)]
    return [status.stage, str(status.members), str(status.lag), *shown, status.reads]


def _clock(late_s: float | None) -> str:
    if late_s is None:
        return f"clock: a partition of {MENTIONS_RAW.name} has no tick; `tenfour doctor` says more"
    return f"clock: the last tick is {late_s:.1f} s old"
