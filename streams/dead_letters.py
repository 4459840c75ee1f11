"""Dead letters: what a stage could not read or decide, kept with its reason, while the rest of the batch goes on."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.ids import derive_id
from schemas.records import DeadLetter
from streams.metrics import DEAD_LETTERS
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord
from streams.topics import DEAD_LETTERS as DEAD_LETTERS_TOPIC

MAX_MESSAGE_CHARACTERS = 1000


def add_dead_letter(outbox: Outbox, stage: str, record: ReceivedRecord, error: Exception) -> None:
    """Adds a dead letter for `record`. Its time is the record's own, so that a repeat is the same letter."""
    kind = type(error).__name__
    letter = DeadLetter(
        id=derive_id("dead_letter", stage, record.topic, str(record.partition), str(record.offset)),
        stage=stage,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        error=kind,
        message=(str(error) or kind)[:MAX_MESSAGE_CHARACTERS],
        failed_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )
    target = outbox.to(DEAD_LETTERS_TOPIC.name, record.partition)
    headers = headers_of(letter, f"/tenfour/{stage}")
    target.append(OutgoingRecord(record.key, encode(letter), headers, record.timestamp))
    DEAD_LETTERS.labels(stage, kind).inc()
