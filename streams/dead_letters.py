"""Dead letters: what a stage could not read or decide, kept with its reason, while the rest of the batch goes on."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.ids import derive_id
from schemas.records import DeadLetter
from streams.logs import logger
from streams.metrics import DEAD_LETTERS
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord
from streams.topics import DEAD_LETTERS as DEAD_LETTERS_TOPIC

_LOG = logger("dead_letters")
MAX_MESSAGE_CHARACTERS = 1000


class MisplacedRecord(ValueError):
    """A record's key is not its conversation: its order against the others would be lost."""


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
        failed_at=_instant(record.timestamp),
    )
    target = outbox.to(DEAD_LETTERS_TOPIC.name, record.partition)
    headers = headers_of(letter, f"/tenfour/{stage}")
    target.append(OutgoingRecord(record.key, encode(letter), headers, record.timestamp))
    DEAD_LETTERS.labels(stage, kind).inc()
    at = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    _LOG.warning("dead letter", stage=stage, error=kind, **at)


def _instant(timestamp: int) -> datetime:
    """A producer may have set any time at all; what no calendar holds becomes 1970."""
    earliest, latest = -2_208_988_800_000, 7_258_118_399_999  # 1900 to 2199, in ms
    return datetime.fromtimestamp(timestamp / 1000 if earliest <= timestamp <= latest else 0, UTC)
