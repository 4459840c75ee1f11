"""`tenfour labels`: what people said of mentions, for training."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import Annotated, Literal

import typer

from schemas.codecs import Codec, start_of
from schemas.desk_events import ConversationChanged
from streams.reading import read_to_end
from streams.settings import Settings, load_settings
from streams.topics import DESK_EVENTS, MENTIONS_CLASSIFIED, MENTIONS_ROUTED, require_topics
from tenfour.given_labels import GivenLabels, write_labels
from tenfour.instants import parse_instant
from tenfour.kafka import with_kafka
from tenfour.printing import remark

app = typer.Typer(no_args_is_help=True, help="The types that people gave to mentions, for training.")
_CHANGES = Codec[ConversationChanged](ConversationChanged)


@app.callback()
def labels() -> None:
    """The types that people gave to mentions, for training."""


@app.command()
def export(
    since: Annotated[
        str, typer.Option("--since", help="Only labels from then on: a date, or a time with an offset.")
    ] = "",
    format_: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="How they are written.")] = "jsonl",
    with_text: Annotated[
        bool, typer.Option("--with-text", help="The texts too. They are personal data: keep them accordingly.")
    ] = False,
) -> None:
    """Write a label a mention to stdout, the last that it was given, with the text's key as in `models/labels`."""
    begin = parse_instant(since, "--since") if since else None
    found = asyncio.run(_given(with_kafka(load_settings()), begin))
    labelled = found.labelled()
    write_labels(labelled, sys.stdout, format_, texts=with_text)
    remark(f"{len(labelled)} labels; {found.without_text} left out, whose text the log no longer has or never had")


async def _given(settings: Settings, since: datetime | None) -> GivenLabels:
    """The labels, then the texts of those mentions."""
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    found = GivenLabels()
    changed = start_of(ConversationChanged)
    async for record in read_to_end(settings.bootstrap, [DESK_EVENTS.name]):
        if record.value is not None and record.value.startswith(changed):
            found.take_change(_CHANGES.decode(record.value), since)
    async for record in read_to_end(settings.bootstrap, [MENTIONS_CLASSIFIED.name, MENTIONS_ROUTED.name]):
        found.take_text(record.key, record.value)
    return found
