"""`tenfour gaps`: is every mention somebody's, or at its end?"""

from __future__ import annotations

import time
from typing import Annotated

import typer

from console.database import open_database, reachable
from console.find_gaps import OLD_ENOUGH_S
from console.find_gaps import gaps as find_gaps
from console.migrate import require_newest
from domain.instants import from_ms
from streams.settings import load_settings
from tenfour.printing import print_json, print_table

app = typer.Typer()


@app.command()
def gaps(
    older_than: Annotated[
        float, typer.Option(min=0, help="Seconds after its intake that a mention may be on its way.")
    ] = OLD_ENOUGH_S,
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")] = False,
) -> None:
    """List the mentions that have neither an owner nor an end, from the read model. If there are any: exit status 1."""
    engine = open_database(load_settings().database)
    require_newest(engine)
    with reachable(engine), engine.connect() as connection:
        found = find_gaps(connection, int((time.time() - older_than) * 1000))
    shown = [gap._asdict() | {"received_at": from_ms(gap.received_at).isoformat()} for gap in found]
    if json:
        print_json(shown)
    elif shown:
        print_table(list(shown[0]), [[str(value) for value in gap.values()] for gap in shown])
    else:
        print("every mention has an owner or an end")
    if found:
        raise typer.Exit(1)
