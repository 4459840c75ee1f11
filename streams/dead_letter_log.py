"""Reading the dead letters back: which there are, and where each stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.codecs import UndecodableRecord, decode
from schemas.records import DeadLetter
from streams.reading import POLL_MS, POLL_RECORDS, reader
from streams.topics import DEAD_LETTERS

Progress = Callable[[int, int | None], None]


def no_progress(_done: int, _total: int | None) -> None:
    """For whoever does not watch."""


class DeadLetterError(RuntimeError):
    """There is no such dead letter, or it can't be replayed; the text says which, and what to do."""


class Place(NamedTuple):
    """Where a letter stands on `dead-letters`: its name for people, `PARTITION:OFFSET`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class FoundLetter(NamedTuple):
    """A dead letter and its place."""

    place: Place
    letter: DeadLetter


async def read_letters(
    bootstrap: str, since_ms: int | None = None, progress: Progress = no_progress
) -> AsyncIterator[FoundLetter]:
    """Those that are there now; in order within a partition. With `since_ms`, in ms since 1970, those whose record came
    then or later. `progress` is told how many offsets are done, of how many."""
    async with reader(bootstrap, [DEAD_LETTERS.name], from_start=True) as consumer:
        begins = await _begins(consumer, sorted(consumer.assignment()), since_ms)
        async for record in records_from(consumer, begins, progress):
            found = found_letter(record)
            if found is not None and (since_ms is None or record.timestamp >= since_ms):
                yield found


async def letters_at(bootstrap: str, places: Sequence[Place]) -> list[FoundLetter]:
    """Those at the places, in their order. Raises DeadLetterError for a place where none is."""
    async with reader(bootstrap, [DEAD_LETTERS.name], from_start=True) as consumer:
        found = []
        for place in places:
            record = await record_at(consumer, TopicPartition(DEAD_LETTERS.name, place.partition), place.offset)
            letter = None if record is None else found_letter(record)
            if letter is None:
                raise DeadLetterError(f"no dead letter at {place}; `tenfour dead-letters list` shows all")
            found.append(letter)
    return found


def found_letter(record: ConsumerRecord) -> FoundLetter | None:
    """None for what is no dead letter of ours."""
    with suppress(UndecodableRecord):
        letter = decode(record.value)
        if isinstance(letter, DeadLetter):
            return FoundLetter(Place(record.partition, record.offset), letter)
    return None


async def record_at(consumer: AIOKafkaConsumer, tp: TopicPartition, offset: int) -> ConsumerRecord | None:
    """The committed record at an offset; None where there is none, or none any more. `tp` must be assigned."""
    if tp not in consumer.assignment():
        return None
    begin, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
    if not begin <= offset < end:
        return None
    consumer.seek(tp, offset)
    while await consumer.position(tp) <= offset:
        for record in (await consumer.getmany(tp, timeout_ms=POLL_MS, max_records=1)).get(tp, ()):
            return record if record.offset == offset else None
    return None


async def records_from(
    consumer: AIOKafkaConsumer, begins: Mapping[TopicPartition, int], progress: Progress = no_progress
) -> AsyncIterator[ConsumerRecord]:
    """The records of these partitions, which must be assigned, from their offsets to where each ends now."""
    ends = await consumer.end_offsets(list(begins))
    for tp, offset in begins.items():
        consumer.seek(tp, offset)
    total, unread = sum(max(0, ends[tp] - offset) for tp, offset in begins.items()), set(begins)
    while unread := {tp for tp in unread if await consumer.position(tp) < ends[tp]}:
        polled = await consumer.getmany(*unread, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        for tp, records in polled.items():
            for record in records:
                if record.offset < ends[tp]:
                    yield record
        left = [max(0, ends[tp] - await consumer.position(tp)) for tp in begins]
        progress(total - sum(left), total)


async def _begins(
    consumer: AIOKafkaConsumer, tps: list[TopicPartition], since_ms: int | None
) -> dict[TopicPartition, int]:
    if since_ms is None:
        return dict(await consumer.beginning_offsets(tps))
    found = await consumer.offsets_for_times(dict.fromkeys(tps, since_ms))
    ends = await consumer.end_offsets(tps)
    return {tp: ends[tp] if found[tp] is None else found[tp].offset for tp in tps}
