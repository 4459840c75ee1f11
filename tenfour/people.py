"""`tenfour people`: who is at the desk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.keep_people import people_writer, read_people
from domain.people_changes import PersonChange, away_change, back_change, list_changes
from domain.people_source import GivenPerson, PeopleError, parse_people
from schemas.desk_records import Away, Person
from streams.settings import Settings, load_settings
from streams.topics import require_topics
from tenfour.instants import parse_instant
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy
from tenfour.printing import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Who is at the desk: roles, teams, skills, shifts, absences.")
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Known = Mapping[str, Person]
COLUMNS = ("id", "name", "role", "teams", "capacity", "skills", "languages", "shift", "away")


@app.callback()
def people() -> None:
    """Who is at the desk: roles, teams, skills, shifts, absences."""


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="A list of people in YAML or JSON.")],
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Whoever is not in the list has left.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Write everybody, changed or not: for a desk whose state was made anew.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    json: Json = False,
) -> None:
    """Make the people in the log those of the list. Every mistake is told with its file and line; exit status 1."""
    settings = load_settings()
    given = _read_list(file, settings)

    def changes(known: Known) -> list[PersonChange]:
        return list_changes(known, given, remove_missing=remove_missing)

    found = asyncio.run(_change(with_kafka(settings), changes, again=again, dry_run=dry_run))
    _tell(found, written=not dry_run, json=json)


@app.command("list")
def list_people(json: Json = False) -> None:
    """List everybody, those who have left last."""
    found = asyncio.run(_read(with_kafka(load_settings())))
    ordered = sorted(found.values(), key=lambda person: (not person.active, person.id))
    if json:
        print_json([person.model_dump(mode="json") for person in ordered])
    else:
        print_table(COLUMNS, [_row(person) for person in ordered])


@app.command()
def away(
    person: Annotated[str, typer.Argument(metavar="ID", help="One of `tenfour people list`.")],
    since: Annotated[str, typer.Option("--from", help="A time such as 2026-12-24T00:00:00+01:00. Default: now.")] = "",
    until: Annotated[str, typer.Option("--until", help="The first moment at which they are back.")] = "",
    cancel: Annotated[bool, typer.Option("--cancel", help="They are back now, and absences to come are off.")] = False,
    json: Json = False,
) -> None:
    """Say that somebody is away, or back: they are asked for nothing meanwhile."""
    if cancel == bool(since or until) or not (cancel or until):
        raise typer.BadParameter("give --until, and --from if it is not from now on, or --cancel alone")
    now = datetime.now(UTC)
    begin = parse_instant(since, "--from") if since else now
    end = parse_instant(until, "--until") if until else now
    if not cancel and end <= begin:
        raise typer.BadParameter("--until must be later than --from")

    def changes(known: Known) -> list[PersonChange]:
        if person not in known:
            raise PeopleError(f"no person {person!r}; `tenfour people list` has them all")
        one = known[person]
        return back_change(one, now) if cancel else away_change(one, begin, end, now)

    _tell(asyncio.run(_change(with_kafka(load_settings()), changes)), written=True, json=json)


def _read_list(file: Path, settings: Settings) -> list[GivenPerson]:
    policy = read_policy(settings.policy)
    try:
        return parse_people(file.read_text(encoding="utf-8"), str(file), policy)
    except UnicodeDecodeError:
        raise PeopleError(f"{file}:1: is not UTF-8; save it in that encoding") from None
    except PeopleError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


async def _read(settings: Settings) -> dict[str, Person]:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    return await read_people(settings.bootstrap)


async def _change(
    settings: Settings, changes: Callable[[Known], list[PersonChange]], *, again: bool = False, dry_run: bool = False
) -> list[PersonChange]:
    if dry_run:
        return changes(await _read(settings))
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    async with people_writer(settings) as writer:
        known = await writer.read()
        found = changes(known)
        changed = {change.after.id: change.after for change in found}
        people = list(({**known, **changed} if again else changed).values())
        if people:
            await writer.write(people, int(datetime.now(UTC).timestamp() * 1000))
    return found


def _tell(found: Sequence[PersonChange], *, written: bool, json: bool) -> None:
    if json:
        shown = [{"id": one.after.id, "new": one.before is None, "fields": one.fields()} for one in found]
        print_json({"changes": shown, "written": written})
        return
    for change in found:
        print(_told(change))
    if not found:
        print("everybody is as listed")
    elif not written:
        print("nothing is written: --dry-run")


def _told(change: PersonChange) -> str:
    said = change.fields().items()
    if change.before is None:
        return f"{change.after.id}: new, " + ", ".join(f"{name} {_shown(after)}" for name, (_, after) in said if after)
    return f"{change.after.id}: " + ", ".join(f"{name} {_shown(a)} -> {_shown(b)}" for name, (a, b) in said)


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    if isinstance(value, dict):
        return " ".join(f"{name} {_shown(part)}" for name, part in value.items() if part not in (None, []))
    return str(value)


def _row(person: Person) -> list[str]:
    plain = person.model_dump(mode="json")
    cells = {name: _shown(plain[name]) for name in COLUMNS}
    cells["away"] = ", ".join(map(_span, person.away)) or "-"
    cells["role"] += "" if person.active else ", has left"
    return list(cells.values())


def _span(away: Away) -> str:
    return f"{away.since:%Y-%m-%d %H:%M} to {away.until:%Y-%m-%d %H:%M} UTC"
