"""What every contender does with a record: `mention` is the classify stage's own work, `small` next to nothing,
`model` the stage with the model, for the product alone.

In batches for those that have batches, one by one for those that don't; the same functions in both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

from pydantic import BaseModel

from agents.classify_mentions import SOURCE, ClassifyMentions
from agents.registry import load_policy
from bench.stored_readings import StoredReadings, stored_rules
from domain.typing_rules import classified_id
from schemas.cloudevents import event_headers
from schemas.codecs import Codec, encode_again, encode_classification, encode_classified
from schemas.ids import conversation_key
from schemas.records import Mention
from streams.record_batches import Headers, Outbox, OutgoingRecord, RecordBatch
from streams.topics import MENTIONS_CLASSIFIED

POLICY: Final = Path(__file__).parent.parent / "policy.yaml"
TARGET: Final = MENTIONS_CLASSIFIED.name
WorkName = Literal["mention", "small", "model"]
DecideBatch = Callable[[RecordBatch], Awaitable[Sequence[Outbox]]]


class OneByOne(Protocol):
    """Key and value in, value and headers out."""

    def __call__(self, key: bytes | None, value: bytes | None) -> tuple[bytes, Headers]: ...


class SmallRecord(BaseModel):
    """About sixty bytes of JSON."""

    id: str
    text: str


class SmallVerdict(BaseModel):
    id: str
    label: str


def batch_work(name: WorkName) -> DecideBatch:
    if name == "small":
        return _decide_small
    return ClassifyMentions(stored_rules(load_policy(POLICY)), StoredReadings()).decide


def one_by_one(name: WorkName) -> OneByOne:
    return _small if name == "small" else _one_mention()


async def _decide_small(batch: RecordBatch) -> list[Outbox]:
    outbox = Outbox()
    target = outbox.to(TARGET, batch.partition)
    for record in batch.records:
        value, headers = _small(record.key, record.value)
        target.append(OutgoingRecord(record.key, value, headers, record.timestamp))
    return [outbox]


def _small(key: bytes | None, value: bytes | None) -> tuple[bytes, Headers]:  # noqa: ARG001
    found = SmallRecord.__pydantic_validator__.validate_json(value or b"")
    verdict = SmallVerdict(id=found.id, label="short" if len(found.text) < 20 else "long")
    return verdict.__pydantic_serializer__.to_json(verdict), []


def _one_mention() -> OneByOne:
    codec, rules, readings = Codec(Mention), stored_rules(load_policy(POLICY)), StoredReadings()

    def classify_one(key: bytes | None, value: bytes | None) -> tuple[bytes, Headers]:
        mention = codec.decode(value)
        if key != conversation_key(mention.brand, mention.channel, mention.thread).encode():
            raise ValueError(f"misplaced: {key!r}")
        found = rules.classify(mention.text, readings.next_reading(), mention.author_followers)
        id_ = classified_id(mention)
        result = encode_classified(id_, encode_again(mention, value or b""), encode_classification(found))
        return result, event_headers("classified_mention", 1, id_, SOURCE)

    return classify_one
