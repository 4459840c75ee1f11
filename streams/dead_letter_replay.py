"""Dead letters into the log again: the original bytes, key and headers, at the end of the partition they came from.

A replayed record carries the letter's id in a header, and that header is the only note of the replay: whoever wants to
replay looks for it behind the original. It is written in the same step as the record, so it can't be missing; and a
transactional id lets one replay at a time look and write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import ProducerFenced

from schemas.records import DeadLetter
from streams.dead_letter_log import DeadLetterError, FoundLetter, Progress, no_progress, record_at, records_from
from streams.reading import reader
from streams.record_batches import Headers, Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import partition_counts
from streams.writing import WriteFailed, only_writer, write_outbox

HEADER: Final = "tenfour_dead_letter"
"""Of a replayed record: the id of the dead letter that it was."""
WRITER: Final = "dead-letters-replay"
"""The transactional id."""
TOGETHER: Final = 500
"""Letters in one transaction."""


class Replayable(NamedTuple):
    """A letter, and what is known of it on its source topic."""

    found: FoundLetter
    headers: Headers
    """The original's; none where the topic no longer holds it."""
    original_gone: bool
    replayed: bool
    """Whether it stands on its topic again already."""


class ReplayWriter:
    """The only one that replays: what `look` finds stays so until it has written."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def write(self, letters: Sequence[Replayable], now_ms: int, progress: Progress = no_progress) -> None:
        """Returns when the broker has them all. What was written before a failure stays, and is recognised the next
        time. Raises WriteFailed."""
        for first in range(0, len(letters), TOGETHER):
            together = letters[first : first + TOGETHER]
            try:
                async with self._producer.transaction():
                    await write_outbox(self._producer, replay_outbox(together, now_ms))
            except (ProducerFenced, WriteFailed) as error:
                if isinstance(error, WriteFailed) and not isinstance(error.__cause__, ProducerFenced):
                    raise
                raise WriteFailed("somebody else replays dead letters at this moment; do it again") from None
            progress(first + len(together), len(letters))


@asynccontextmanager
async def replay_writer(settings: Settings) -> AsyncIterator[ReplayWriter]:
    """Fences whoever replays now."""
    async with only_writer(settings.bootstrap, WRITER, settings.transaction_timeout_s) as producer:
        yield ReplayWriter(producer)


async def look(bootstrap: str, letters: Sequence[FoundLetter], progress: Progress = no_progress) -> list[Replayable]:
    """What the source topics say of the letters, in their order. Reads all that came after the oldest original. Raises
    DeadLetterError for a letter whose partition there is not."""
    if not letters:
        return []
    counts = await partition_counts(bootstrap)
    for found in letters:
        if found.letter.partition >= counts.get(found.letter.topic, 0):
            raise DeadLetterError(
                f"{found.place} is from {found.letter.topic}-{found.letter.partition}, which is not here: create what "
                "is missing with `tenfour topics apply`"
            )
    async with reader(bootstrap, {found.letter.topic for found in letters}, from_start=True) as consumer:
        assigned = list(consumer.assignment())
        begins, ends = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
        originals = [await _original(consumer, found.letter) for found in letters]
        behind = {
            tp: offset if begins[tp] <= offset <= ends[tp] else begins[tp]  # a topic made anew is read whole
            for tp, offset in _first_behind(letters).items()
        }
        replayed = {
            value.decode("utf-8", "replace")
            async for record in records_from(consumer, behind, progress)
            for name, value in record.headers
            if name == HEADER
        }
    return [
        Replayable(found, [*original.headers] if original else [], original is None, found.letter.id in replayed)
        for found, original in zip(letters, originals, strict=True)
    ]


def replay_outbox(letters: Sequence[Replayable], now_ms: int) -> Outbox:
    """Into the partitions that the originals stood in, in the order of their offsets. Their time becomes `now_ms`, in
    ms since 1970: with their old one they would soon be deleted."""
    outbox = Outbox()
    for one in sorted(letters, key=lambda one: one.found.letter.offset):
        letter = one.found.letter
        headers = [*[pair for pair in one.headers if pair[0] != HEADER], (HEADER, letter.id.encode())]
        outbox.to(letter.topic, letter.partition).append(OutgoingRecord(letter.key, letter.value, headers, now_ms))
    return outbox


def _source(letter: DeadLetter) -> TopicPartition:
    return TopicPartition(letter.topic, letter.partition)


async def _original(consumer: AIOKafkaConsumer, letter: DeadLetter) -> ConsumerRecord | None:
    """None where the topic no longer holds it, or has been made anew since."""
    record = await record_at(consumer, _source(letter), letter.offset)
    return record if record is not None and (record.key, record.value) == (letter.key, letter.value) else None


def _first_behind(letters: Sequence[FoundLetter]) -> dict[TopicPartition, int]:
    offsets: defaultdict[TopicPartition, list[int]] = defaultdict(list)
    for found in letters:
        offsets[_source(found.letter)].append(found.letter.offset)
    return {tp: min(known) + 1 for tp, known in offsets.items()}
