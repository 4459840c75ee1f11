"""`tenfour database`: the tables of the read model."""

from __future__ import annotations

from typing import Annotated

import typer

from console.database import open_database
from console.migrate import upgrade as upgrade_tables
from console.migrate import version
from streams.settings import load_settings
from tenfour.printing import print_json, remark

app = typer.Typer(no_args_is_help=True)


@app.callback()
def database() -> None:
    """The tables of the read model, in the database that TENFOUR_DATABASE names."""


@app.command()
def upgrade() -> None:
    """Make the tables, or bring them to this release; nothing where they are."""
    print(f"the tables are those of this release, {upgrade_tables(open_database(load_settings().database)).newest}")


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Say whether the tables are those of this release. If not: exit status 1."""
    found = version(open_database(load_settings().database))
    if json:
        print_json(found._asdict())
    else:
        print(f"the tables are at {found.current or 'nothing'}, this release at {found.newest}")
    if found.current != found.newest:
        remark("tenfour: run `tenfour database upgrade`")
        raise typer.Exit(1)
