"""`tenfour topics`: the topics as declared, against those of the cluster."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from streams.settings import load_settings
from streams.topics import TOPICS, Topic, TopicChange, apply_topics, partition_counts
from tenfour.kafka import with_kafka
from tenfour.printing import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="The topics as declared, against those of the cluster.")
Json = Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")]


@app.command()
def apply(json: Json = False) -> None:
    """Create the topics that are missing and set what differs. Partition counts never change."""
    _print_changes(_changes(dry_run=False), "changed", json)


@app.command()
def diff(json: Json = False) -> None:
    """Show what `apply` would do. The exit status is 1 where it would do anything."""
    changes = _changes(dry_run=True)
    _print_changes(changes, "would change", json)
    if changes:
        raise typer.Exit(1)


@app.command("list")
def list_topics(json: Json = False) -> None:
    """List every topic: its partitions in the cluster, what it carries, who writes it."""
    counts = asyncio.run(partition_counts(with_kafka(load_settings()).bootstrap))
    if json:
        print_json([_described(topic, counts.get(topic.name)) for topic in TOPICS])
        return
    rows = [_row(topic, counts.get(topic.name)) for topic in TOPICS]
    print_table(["topic", "partitions", "kept", "key", "records", "written by"], rows)


def _changes(*, dry_run: bool) -> list[TopicChange]:
    settings = with_kafka(load_settings())
    work = apply_topics(
        settings.bootstrap, partitions=settings.partitions, replication=settings.replication, dry_run=dry_run
    )
    return asyncio.run(work)


def _print_changes(changes: list[TopicChange], title: str, json: bool) -> None:
    if json:
        print_json([{"topic": change.topic, "change": change.change} for change in changes])
    elif changes:
        print_table(["topic", title], [[change.topic, change.change] for change in changes])
    else:
        print("every topic is as declared")


def _described(topic: Topic, partitions: int | None) -> dict[str, object]:
    return {
        "topic": topic.name,
        "partitions": partitions,
        "retention_days": topic.retention_days,
        "key": topic.key,
        "records": _kinds(topic),
        "owner": topic.owner,
    }


def _row(topic: Topic, partitions: int | None) -> list[str]:
    kept = "last of each key" if topic.retention_days is None else f"{topic.retention_days} days"
    found = "missing" if partitions is None else str(partitions)
    return [topic.name, found, kept, topic.key, ", ".join(_kinds(topic)) or "state", topic.owner]


def _kinds(topic: Topic) -> list[str]:
    return [str(kind.model_fields["record"].default) for kind in topic.records]
