"""`mentions-raw` -> `mentions-classified`: says of each mention what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agents.write_ticks import write_ticks
from domain.typing_rules import Reading, TypingRules, classified_id
from schemas.cloudevents import event_headers
from schemas.codecs import Codec, encode_again, encode_classification, encode_classified
from schemas.ids import conversation_key
from schemas.records import Mention, PublicReply, Tick
from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch
from streams.settings import Settings
from streams.stages import Stage
from streams.topics import MENTIONS_CLASSIFIED, MENTIONS_RAW

STAGE = "classify"
SOURCE = f"/tenfour/{STAGE}"
_CODEC = Codec[Mention | PublicReply | Tick](Mention, PublicReply, Tick)


class MisplacedRecord(ValueError):
    """The record's key is not its conversation: its order against the others would be lost."""


class Reader(Protocol):
    """Reads texts without blocking the event loop."""

    async def read(self, texts: Sequence[str]) -> Sequence[Reading]: ...


class ClassifyMentions:
    """Replies and ticks pass through unchanged, in their places between the mentions."""

    def __init__(self, rules: TypingRules, reader: Reader) -> None:
        self._rules, self._reader = rules, reader

    async def decide(self, batch: RecordBatch) -> list[Outbox]:
        outbox = Outbox()
        readable = [(record, found) for record in batch.records if (found := _read(record, outbox)) is not None]
        mentions = [found for _, found in readable if isinstance(found, Mention)]
        readings = iter(await self._reader.read([mention.text for mention in mentions]) if mentions else ())
        classified = outbox.to(MENTIONS_CLASSIFIED.name, batch.partition)
        for record, found in readable:
            if isinstance(found, Mention):
                classified.append(self._classified(record, found, next(readings)))
            else:
                classified.append(OutgoingRecord(record.key, record.value, list(record.headers), record.timestamp))
        return [outbox]

    def _classified(self, record: ReceivedRecord, mention: Mention, reading: Reading) -> OutgoingRecord:
        classification = self._rules.classify(mention.text, reading, mention.author_followers)
        id_ = classified_id(mention)
        value = encode_classified(
            id_, encode_again(mention, record.value or b""), encode_classification(classification)
        )
        headers = event_headers("classified_mention", 1, id_, SOURCE)
        return OutgoingRecord(record.key, value, headers, record.timestamp)


def classify_stage(rules: TypingRules, reader: Reader, settings: Settings) -> Stage:
    return Stage(
        STAGE,
        MENTIONS_RAW,
        decide=ClassifyMentions(rules, reader).decide,
        poll_records=settings.classify_poll_records,
        background=write_ticks if settings.ticks == "live" else None,
    )


def _read(record: ReceivedRecord, outbox: Outbox) -> Mention | PublicReply | Tick | None:
    try:
        found = _CODEC.decode(record.value)
        if not isinstance(found, Tick):
            _refuse_misplaced(record, found)
    except ValueError as error:
        add_dead_letter(outbox, STAGE, record, error)
        return None
    return found


def _refuse_misplaced(record: ReceivedRecord, found: Mention | PublicReply) -> None:
    expected = conversation_key(found.brand, found.channel, found.thread).encode()
    if record.key != expected:
        raise MisplacedRecord(
            f"the key must be the conversation, brand:channel:thread; this record's is not: {record.key!r}"
        )
