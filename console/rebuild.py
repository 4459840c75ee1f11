"""The read model, folded from the log again: in one transaction, so that whoever reads sees the old rows or the new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import Column, Connection, Engine, MetaData, Table, delete, func, insert, select

from console.column_rules import FROM_THE_LOG
from console.project_records import READ, project
from console.tables import READ_TO
from console.write_rows import write_changes
from streams.reading import POLL_MS, reader
from streams.record_batches import ReceivedRecord

TOGETHER: Final = 5000
"""Records that are written at once."""

Progress = Callable[[int, int | None], None]
Offsets = Mapping[TopicPartition, int]


class WouldDrop(RuntimeError):
    """The log no longer holds what some rows were made from."""

    def __init__(self, rows: Mapping[str, int]) -> None:
        told = ", ".join(f"{number} of {table}" for table, number in rows.items())
        super().__init__(
            f"nothing was changed: the log begins later than the read model, which would lose {told}; "
            "--drop-older drops them"
        )


async def rebuild(engine: Engine, bootstrap: str, *, drop_older: bool, progress: Progress) -> Mapping[str, int]:
    """Folds what stands on the topics now; gives the rows that were dropped, by table.

    Raises WouldDrop where rows would be lost and `drop_older` is not said.
    """
    async with reader(bootstrap, READ, from_start=True) as consumer:
        partitions = list(consumer.assignment())
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        with engine.connect() as connection, connection.begin():
            before = await asyncio.to_thread(_empty, connection)
            await _fold(connection, consumer, begins, ends, progress)
            dropped = await asyncio.to_thread(_finish, connection, before, ends)
            if dropped and not drop_older:
                raise WouldDrop(dropped)
    return dropped


async def _fold(
    connection: Connection, consumer: AIOKafkaConsumer, begins: Offsets, ends: Offsets, progress: Progress
) -> None:
    total = sum(ends.values()) - sum(begins.values())
    async for records in _batches(consumer, ends):
        await asyncio.to_thread(lambda found: write_changes(connection, project(found)), records)
        left = [max(0, ends[tp] - await consumer.position(tp)) for tp in ends]
        progress(total - sum(left), total)


async def _batches(consumer: AIOKafkaConsumer, ends: Offsets) -> AsyncIterator[Sequence[ReceivedRecord]]:
    """Up to the given ends, whatever comes meanwhile."""
    unread = set(ends)
    while unread := {tp for tp in unread if await consumer.position(tp) < ends[tp]}:
        polled = await consumer.getmany(*unread, timeout_ms=POLL_MS, max_records=TOGETHER)
        yield [record for tp, records in polled.items() for record in records if record.offset < ends[tp]]


def _empty(connection: Connection) -> dict[Table, Table]:
    """Deletes all rows that are from the log; gives, by table, one that keeps their keys until the end."""
    connection.execute(delete(READ_TO))  # first: whoever writes now has to wait
    before = {}
    for table in FROM_THE_LOG:
        (key,) = table.primary_key.columns
        kept = Table(
            f"before_{table.name}", MetaData(), Column("key", key.type, primary_key=True), prefixes=["TEMPORARY"]
        )
        kept.create(connection)
        connection.execute(insert(kept).from_select(["key"], select(key)))
        connection.execute(delete(table))
        before[table] = kept
    return before


def _finish(connection: Connection, before: Mapping[Table, Table], ends: Offsets) -> dict[str, int]:
    """Notes how far the log was read; gives the rows that are no longer there, by table."""
    dropped = {}
    for table, kept in before.items():
        (key,) = table.primary_key.columns
        missing = select(func.count()).select_from(kept).where(kept.c.key.not_in(select(key)))
        number = connection.execute(missing).scalar_one()
        if number:
            dropped[table.name] = number
        kept.drop(connection)
    rows = [{"topic": tp.topic, "partition": tp.partition, "next_offset": end} for tp, end in ends.items()]
    connection.execute(insert(READ_TO), rows)
    return dropped
