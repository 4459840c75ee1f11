"""`mentions-raw` -> `mentions-classified`: says of each mention what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, get_args

from agents.write_ticks import TickWriter
from domain.second_stage import LagLimits, next_mode
from domain.typing_rules import DOUBTFUL, UNREADABLE, Reading, TypingRules, classified_id
from schemas.cloudevents import event_headers
from schemas.codecs import Codec, encode_again, encode_classification, encode_classified
from schemas.ids import conversation_key
from schemas.records import Classification, ClassifierMode, Mention, PublicReply, Tick
from streams.dead_letters import MisplacedRecord, add_dead_letter
from streams.metrics import CLASSIFIER_MODE, CONFIDENCE, MENTIONS, SENT_TO_REVIEW, TEXTS_READ_AGAIN
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch
from streams.settings import Settings
from streams.stages import Stage
from streams.topics import MENTIONS_CLASSIFIED, MENTIONS_RAW

STAGE = "classify"
SOURCE = f"/tenfour/{STAGE}"
MODES: Final[tuple[ClassifierMode, ...]] = get_args(ClassifierMode)
_CODEC = Codec[Mention | PublicReply | Tick](Mention, PublicReply, Tick)
_WHY: Final = {DOUBTFUL: "doubtful", UNREADABLE: "unreadable"}
"""What is left is a language that the model was not measured on."""


class Reader(Protocol):
    """Reads texts without blocking the event loop."""

    async def read(self, texts: Sequence[str], *, again: bool = False) -> Sequence[Reading]:
        """With `again`, a second model reads doubtful texts again."""
        ...


class ClassifyMentions:
    """Replies and ticks pass through unchanged, in their places between the mentions."""

    def __init__(self, rules: TypingRules, reader: Reader, second: LagLimits | None = None) -> None:
        """`second`: when the reader's second model rests; None where there is none."""
        self._rules, self._reader, self._limits = rules, reader, second
        self._mode: ClassifierMode = "one_stage" if second is None else "two_stage"
        _show_mode(self._mode)

    async def decide(self, batch: RecordBatch) -> list[Outbox]:
        outbox = Outbox()
        mode = self._mode_at(batch.lag)
        readable = [(record, found) for record in batch.records if (found := _read(record, outbox)) is not None]
        texts = [found.text for _, found in readable if isinstance(found, Mention)]
        readings = iter(await self._read_texts(texts, mode) if texts else ())
        classified = outbox.to(MENTIONS_CLASSIFIED.name, batch.partition)
        for record, found in readable:
            if isinstance(found, Mention):
                classified.append(self._classified(record, found, next(readings), mode))
            else:
                classified.append(OutgoingRecord(record.key, record.value, list(record.headers), record.timestamp))
        return [outbox]

    async def _read_texts(self, texts: Sequence[str], mode: ClassifierMode) -> Sequence[Reading]:
        readings = await self._reader.read(texts, again=mode == "two_stage")
        TEXTS_READ_AGAIN.inc(sum(reading.read_again for reading in readings))
        return readings

    def _mode_at(self, lag: int) -> ClassifierMode:
        mode = self._mode if self._limits is None else next_mode(self._mode, lag, self._limits)
        if mode != self._mode:
            self._mode = mode
            _show_mode(mode)
        return mode

    def _classified(
        self, record: ReceivedRecord, mention: Mention, reading: Reading, mode: ClassifierMode
    ) -> OutgoingRecord:
        classification = self._rules.classify(mention.text, reading, mention.author_followers, mode)
        _count(mention, classification)
        id_ = classified_id(mention)
        value = encode_classified(
            id_, encode_again(mention, record.value or b""), encode_classification(classification)
        )
        headers = event_headers("classified_mention", 1, id_, SOURCE)
        return OutgoingRecord(record.key, value, headers, record.timestamp)


def classify_stage(rules: TypingRules, reader: Reader, settings: Settings) -> Stage:
    limits = LagLimits(high=settings.second_stage_lag_high, low=settings.second_stage_lag_low)
    ticks, live = TickWriter(), settings.ticks == "live"
    SENT_TO_REVIEW.start_at_zero()
    return Stage(
        STAGE,
        MENTIONS_RAW,
        decide=ClassifyMentions(rules, reader, limits if settings.second_model else None).decide,
        poll_records=settings.classify_poll_records,
        background=ticks.write if live else None,
        problem=ticks.problem if live else lambda _: None,
    )


def _count(mention: Mention, found: Classification) -> None:
    MENTIONS.labels(found.type, mention.brand, mention.channel, found.mode).inc()
    CONFIDENCE.labels(found.type).observe(found.confidence)
    if found.needs_review:
        SENT_TO_REVIEW.labels(_WHY.get(found.review_reason or "", "language")).inc()


def _show_mode(mode: ClassifierMode) -> None:
    for name in MODES:
        CLASSIFIER_MODE.labels(name).set(name == mode)


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
