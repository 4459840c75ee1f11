"""`tenfour dead-letters`: what a stage could not read or decide, and how it gets another chance."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated

import typer

from streams.dead_letter_log import FoundLetter, Place, letters_at, read_letters
from streams.dead_letter_replay import Replayable, look, replay_writer
from streams.settings import Settings, load_settings
from streams.topics import DEAD_LETTERS, require_topics
from tenfour.instants import parse_instant
from tenfour.kafka import with_kafka
from tenfour.printing import print_json, print_table, progress_bar, remark
from tenfour.shown_letters import as_json, as_row, as_text, whole_as_json

app = typer.Typer(no_args_is_help=True, help="What a stage could not read or decide, and how it gets another chance.")

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Stage = Annotated[str, typer.Option(help="Only those of one stage.")]
ErrorName = Annotated[str, typer.Option("--error", help="Only those of one error, such as UndecodableRecord.")]
Since = Annotated[str, typer.Option(help="Only records that came then or later, such as 2026-12-24T00:00:00Z.")]
COLUMNS = ("id", "came at", "stage", "from", "error", "reason")
Wanted = Callable[[FoundLetter], bool]


@app.command("list")
def list_letters(
    stage: Stage = "",
    error: ErrorName = "",
    since: Since = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    json: Json = False,
) -> None:
    """List dead letters, the newest last, without what anybody wrote. Their id is their place, PARTITION:OFFSET."""
    settings = _settings()
    since_ms = _ms(since)
    with progress_bar("dead letters", shown=not json) as progress:
        found = asyncio.run(_all(read_letters(settings.bootstrap, since_ms, progress), _wanted(stage, error)))
    newest = _in_time(found)[-limit:]
    if json:
        print_json([as_json(one) for one in newest])
    elif newest:
        print_table(COLUMNS, [as_row(one) for one in newest])
    else:
        print("no dead letters")
    if len(found) > limit:
        remark(f"{len(found) - limit} older ones are not shown; --limit shows more")


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="Of `tenfour dead-letters list`.")],
    json: Json = False,
) -> None:
    """Show one whole, with what was written: it may be personal."""
    (found,) = asyncio.run(letters_at(_settings().bootstrap, [_place(place)]))
    if json:
        print_json(whole_as_json(found))
    else:
        print(as_text(found))


@app.command()
def replay(
    places: Annotated[
        list[str] | None, typer.Argument(metavar="[PARTITION:OFFSET]...", help="Of `tenfour dead-letters list`.")
    ] = None,
    stage: Stage = "",
    error: ErrorName = "",
    since: Since = "",
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be written.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json: Json = False,
) -> None:
    """Write originals to their topics again: those at the places, or all of an error since a time. Each once."""
    if bool(places) == bool(error and since) or (places and (stage or error or since)):
        raise typer.BadParameter("name letters by PARTITION:OFFSET, or give --error and --since")
    if not (dry_run or yes or sys.stdin.isatty()):
        raise typer.BadParameter(
            "nobody can be asked here: nothing is written without --yes; --dry-run tells what would"
        )
    settings = _settings()
    found = asyncio.run(_chosen(settings, [_place(place) for place in places or []], _wanted(stage, error), _ms(since)))
    due = asyncio.run(_due(settings, found, again))
    if due and not dry_run:
        if not yes:
            typer.confirm(f"write {_count(due)} to {', '.join(_topics(due))} again?", abort=True, err=True)
        due = asyncio.run(_write(settings, found, again))
    _tell(due, len(found) - len(due), written=not dry_run, json=json)


async def _chosen(settings: Settings, places: list[Place], wanted: Wanted, since_ms: int | None) -> list[FoundLetter]:
    """A letter that a stage has written twice counts once."""
    if places:
        found = await letters_at(settings.bootstrap, places)
    else:
        with progress_bar("dead letters") as progress:
            found = await _all(read_letters(settings.bootstrap, since_ms, progress), wanted)
    return list({one.letter.id: one for one in reversed(found)}.values())[::-1]


async def _due(settings: Settings, found: Sequence[FoundLetter], again: bool) -> list[Replayable]:
    with progress_bar("looking for earlier replays") as progress:
        looked = await look(settings.bootstrap, found, progress)
    return [one for one in looked if again or not one.replayed]


async def _write(settings: Settings, found: Sequence[FoundLetter], again: bool) -> list[Replayable]:
    """Looks once more: only now nobody else can replay."""
    async with replay_writer(settings) as writer:
        due = await _due(settings, found, again)
        with progress_bar("writing") as progress:
            await writer.write(due, int(time.time() * 1000), progress)
    return due


def _tell(due: Sequence[Replayable], left: int, *, written: bool, json: bool) -> None:
    if json:
        told = [as_json(one.found) | {"original_gone": one.original_gone} for one in due]
        print_json({"replayed": told, "replayed_before": left, "written": written})
        return
    for one in due:
        gone = "; the original is gone, and its headers with it" if one.original_gone else ""
        print(f"{one.found.place} to {one.found.letter.topic}-{one.found.letter.partition}{gone}")
    if left:
        remark(f"left out, since they were replayed before: {left}; --again replays them too")
    print(f"{_count(due)} {'written again' if written else 'would be written again: --dry-run'}")


async def _all(letters: AsyncIterator[FoundLetter], wanted: Wanted) -> list[FoundLetter]:
    async with aclosing(letters) as each:  # type: ignore[type-var]
        return [one async for one in each if wanted(one)]


def _wanted(stage: str, error: str) -> Wanted:
    return lambda one: (
        one.letter.stage == (stage or one.letter.stage) and one.letter.error == (error or one.letter.error)
    )


def _in_time(found: Sequence[FoundLetter]) -> list[FoundLetter]:
    return sorted(found, key=lambda one: (one.letter.failed_at, one.place))


def _place(text: str) -> Place:
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise typer.BadParameter(f"{text} is no PARTITION:OFFSET; `tenfour dead-letters list` shows them")
    return Place(int(partition), int(offset))


def _ms(since: str) -> int | None:
    return int(parse_instant(since, "--since").timestamp() * 1000) if since else None


def _topics(due: Sequence[Replayable]) -> list[str]:
    return sorted({one.found.letter.topic for one in due})


def _count(due: Sequence[Replayable]) -> str:
    return f"{len(due)} record{'' if len(due) == 1 else 's'}"


def _settings() -> Settings:
    settings = with_kafka(load_settings())
    asyncio.run(require_topics(settings.bootstrap, partitions=settings.partitions, topics=[DEAD_LETTERS]))
    return settings
