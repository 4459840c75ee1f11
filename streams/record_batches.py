"""A record batch: what Faust hands to an agent here in place of single events.

A batch holds consecutive records of one partition. It is acknowledged as a whole, and only after everything that was
written because of it has been acknowledged by the broker.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from streams.partitions import partition_of

Headers = list[tuple[str, bytes]]


class ReceivedRecord(Protocol):
    """What a consumer gives for one record. `timestamp` is in ms since 1970."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


class BatchState(Enum):
    QUEUED = "queued"
    STARTED = "started"
    ACKNOWLEDGED = "acknowledged"
    DROPPED = "dropped"


class RecordBatch:
    """Consecutive records of one partition, at least one, in offset order."""

    __slots__ = ("_closed", "_on_close", "_state", "lag", "partition", "records", "topic")

    def __init__(self, topic: str, partition: int, records: Sequence[ReceivedRecord]) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records
        self.lag = 0
        """Records of all the worker's partitions that were not acknowledged when work on this batch began, its own
        among them, as far as the last fetch knew."""
        self._state = BatchState.QUEUED
        self._closed = asyncio.Event()
        self._on_close: Callable[[], None] | None = None

    @property
    def next_offset(self) -> int:
        """Where reading goes on after this batch."""
        return self.records[-1].offset + 1

    @property
    def state(self) -> BatchState:
        return self._state

    def start(self) -> bool:
        """Claims the batch for work. False if its partition was given up meanwhile: then leave it alone."""
        if self._state is not BatchState.QUEUED:
            return False
        self._state = BatchState.STARTED
        return True

    def acknowledge(self) -> None:
        """Everything that follows from the batch is in the log: its offsets may be committed."""
        self._close(BatchState.ACKNOWLEDGED)

    def drop(self) -> None:
        """The partition is given up; a batch that has not been started never will be."""
        if self._state is BatchState.QUEUED:
            self._close(BatchState.DROPPED)

    def on_close(self, call: Callable[[], None]) -> None:
        """`call` is called once, when the batch is acknowledged or dropped."""
        self._on_close = call

    def _close(self, state: BatchState) -> None:
        self._state = state
        self._closed.set()
        if self._on_close is not None:
            self._on_close()

    async def wait_closed(self) -> None:
        await self._closed.wait()


def joined(batches: Sequence[RecordBatch]) -> RecordBatch:
    """The records of consecutive batches of one partition as one batch; acknowledging it acknowledges none of them."""
    if len(batches) == 1:
        return batches[0]
    records = [record for batch in batches for record in batch.records]
    return RecordBatch(batches[0].topic, batches[0].partition, records)


def holds(*starts: bytes) -> Callable[[RecordBatch], bool]:
    """Whether a batch holds a value that starts so."""
    return lambda batch: any(record.value is not None and record.value.startswith(starts) for record in batch.records)


class OutgoingRecord(NamedTuple):
    """One record to write. `timestamp` is in ms since 1970: that of the record that caused it, as intake set it."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


class Outbox:
    """What a batch writes, by topic and partition, in order."""

    __slots__ = ("groups",)

    def __init__(self) -> None:
        self.groups: defaultdict[tuple[str, int], list[OutgoingRecord]] = defaultdict(list)

    def to(self, topic: str, partition: int) -> list[OutgoingRecord]:
        """The list to append to."""
        return self.groups[topic, partition]

    def to_key(self, topic: str, key: bytes, partitions: int) -> list[OutgoingRecord]:
        """The list of the partition that the key belongs to, of so many."""
        return self.to(topic, partition_of(key, partitions))

    def __bool__(self) -> bool:
        return any(self.groups.values())
