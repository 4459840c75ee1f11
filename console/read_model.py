"""How far this process has read the log and written it into the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Engine

from console.project_records import project
from console.row_changes import Changes
from console.write_rows import Move, Partition, positions, write_batch
from streams.record_batches import ReceivedRecord

Polled = Mapping[Partition, Sequence[ReceivedRecord]]


class ReadModel:
    """Not for two threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: dict[Partition, int] = {}
        self.written: dict[Partition, int] = {}
        """Up to where each partition that is taken up is in the database."""

    def take_up(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Where to read on in each."""
        with self._engine.begin() as connection:
            found = positions(connection, partitions)
        self._read.update(found)
        self.written.update(found)
        return found

    def give_up(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._read.pop(partition, None)
            self.written.pop(partition, None)

    def take(self, polled: Polled) -> Changes:
        """Writes what the records change; where that is nothing, the offsets wait for `keep_offsets`. Raises Overtaken:
        then take up again what is still one's own."""
        unread = [record for partition, records in polled.items() for record in self._unread(partition, records)]
        for record in unread:
            self._read[record.topic, record.partition] = record.offset + 1
        changes = project(unread)
        if changes:
            self._write(changes)
        return changes

    def keep_offsets(self) -> None:
        """Raises Overtaken."""
        if self._read != self.written:
            self._write(Changes())

    def _unread(self, partition: Partition, records: Sequence[ReceivedRecord]) -> list[ReceivedRecord]:
        """Without what was fetched before the partition was taken up, or given up since."""
        begin = self._read.get(partition)
        return [] if begin is None else [record for record in records if record.offset >= begin]

    def _write(self, changes: Changes) -> None:
        moves = {
            partition: Move(self.written[partition], read)
            for partition, read in self._read.items()
            if read != self.written[partition]
        }
        with self._engine.begin() as connection:
            write_batch(connection, changes, moves)
        self.written.update(self._read)
