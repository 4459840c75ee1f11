"""`tenfour rebuild`: the read model from the log again."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from console.database import open_database, reachable
from console.migrate import require_newest
from console.rebuild import rebuild as rebuild_from_log
from streams.settings import load_settings
from streams.topics import require_topics
from tenfour.kafka import with_kafka
from tenfour.printing import progress_bar, remark

app = typer.Typer()


@app.command()
def rebuild(
    drop_older: Annotated[
        bool, typer.Option("--drop-older", help="Drop the rows whose records the log no longer holds.")
    ] = False,
) -> None:
    """Fold the log into empty tables. Readers see the old rows until the new ones are complete."""
    settings = load_settings()
    engine = open_database(settings.database)
    require_newest(engine)
    settings = with_kafka(settings)
    asyncio.run(require_topics(settings.bootstrap, partitions=settings.partitions))
    with reachable(engine), progress_bar("records") as progress:
        dropped = asyncio.run(rebuild_from_log(engine, settings.bootstrap, drop_older=drop_older, progress=progress))
    lost = ", ".join(f"{number} of {table}" for table, number in dropped.items())
    remark(f"the read model is what the log says; dropped: {lost or 'nothing'}")
