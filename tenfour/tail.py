"""`tenfour tail`: the records of a topic, as they come."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated

import typer
from rich.console import Console
from rich.json import JSON
from rich.text import Text

from streams.settings import load_settings
from streams.topics import topic_named
from tenfour.kafka import with_kafka
from tenfour.printing import print_json
from tenfour.shown_records import ShownRecord, shown_records

app = typer.Typer()


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="One of `tenfour topics list`.")],
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest record.")] = False,
    follow: Annotated[
        bool, typer.Option(help="Go on as records come; without, show what is there from the start, and end.")
    ] = True,
    count: Annotated[int, typer.Option(min=0, help="End after so many records; 0: no such end.")] = 0,
    ticks: Annotated[bool, typer.Option("--ticks", help="Show ticks too.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="JSON lines, also on a terminal; elsewhere they come anyway.")
    ] = False,
) -> None:
    """Show the records of a topic: committed ones, decoded. What can't be decoded is shown as such."""
    name = topic_named(topic).name
    bootstrap = with_kafka(load_settings()).bootstrap
    show = _print_as_json if json or not sys.stdout.isatty() else _pretty_printer()
    found = shown_records(bootstrap, name, from_start=from_start, follow=follow)
    asyncio.run(_show(found, show, count, ticks))


async def _show(
    found: AsyncGenerator[ShownRecord, None], show: Callable[[ShownRecord], None], count: int, ticks: bool
) -> None:
    shown = 0
    async with aclosing(found) as records:
        async for record in records:
            if record.is_tick and not ticks:
                continue
            show(record)
            shown += 1
            if shown == count:
                return


def _print_as_json(shown: ShownRecord) -> None:
    print_json(shown.as_json())


def _pretty_printer() -> Callable[[ShownRecord], None]:
    console = Console()

    def show(shown: ShownRecord) -> None:
        place, time = f"{shown.topic} {shown.partition}:{shown.offset}", f"{shown.written_at:%Y-%m-%d %H:%M:%S}Z"
        console.print(Text.assemble((place, "bold"), "  ", time, "  ", (shown.key or "", "cyan")))
        if shown.undecodable is None:
            console.print(JSON(shown.record_json(), indent=2))
        else:
            console.print(Text(f"not decodable: {shown.undecodable}\n{shown.value_text()}", "red"))

    return show
