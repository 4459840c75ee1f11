"""What the count stage makes of batches, without Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from agents.count_mentions import TOLD_KEY, CountMentions
from schemas.codecs import decode, encode
from schemas.records import ClassifiedMention, CountedUntil, MentionCount, PublicReply, Tick
from streams.record_batches import Outbox, RecordBatch
from streams.topics import COUNT_STATE, DEAD_LETTERS, MENTION_COUNTS, MENTIONS_CLASSIFIED
from tests.domain.posts import NOON, classified, mention, policy, public_reply

PARTITIONS = 3


class Received(NamedTuple):
    offset: int
    value: bytes | None
    topic: str = MENTIONS_CLASSIFIED.name
    partition: int = 1
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 0


class Log:
    """A partition of `mentions-classified` and what its counting writes."""

    def __init__(self) -> None:
        self.stage = CountMentions(1, policy(), PARTITIONS)
        self.outbox = Outbox()
        self._offset = 0

    def batch(self, *records: ClassifiedMention | PublicReply | Tick | bytes) -> None:
        values = [record if isinstance(record, bytes) else encode(record) for record in records]
        received = [Received(self._offset + number, value) for number, value in enumerate(values)]
        self._offset += len(received)
        self.stage.fold(RecordBatch(MENTIONS_CLASSIFIED.name, 1, received), self.outbox)

    def counts(self) -> list[tuple[int, int, int]]:
        """Count, first and last offset."""
        return [
            (found.count, found.first_offset, found.last_offset)
            for found in self._written()
            if isinstance(found, MentionCount)
        ]

    def times(self) -> list[float]:
        """Minutes after noon, told to one partition; every other was told the same."""
        told = [
            [
                (time.at - NOON) / timedelta(minutes=1)
                for record in self.outbox.to(MENTION_COUNTS.name, target)
                if isinstance(time := decode(record.value), CountedUntil)
            ]
            for target in range(PARTITIONS)
        ]
        assert told == told[:1] * PARTITIONS
        return told[0]

    def _written(self) -> list[object]:
        groups = [self.outbox.to(MENTION_COUNTS.name, target) for target in range(PARTITIONS)]
        return [decode(record.value) for group in groups for record in group]


def complaint(number: int, brand: str = "Delta") -> ClassifiedMention:
    return classified(mention(brand).model_copy(update={"id": str(number)}))


def tick(minutes: float) -> Tick:
    return Tick(at=NOON + timedelta(minutes=minutes))


def test_a_batch_is_one_count_of_what_is_alike() -> None:
    log = Log()
    log.batch(complaint(1), public_reply(), complaint(2))
    log.batch(complaint(3))
    assert log.counts() == [(2, 0, 2), (1, 3, 3)]


def test_a_mention_that_was_written_twice_is_counted_once() -> None:
    log = Log()
    log.batch(complaint(1), complaint(2))
    log.batch(complaint(1), complaint(2), complaint(3))
    assert log.counts() == [(2, 0, 1), (1, 2, 4)]


def test_a_brand_that_the_policy_does_not_take_is_not_counted() -> None:
    log = Log()
    log.batch(complaint(1, "NobodyKnows"))
    assert not log.outbox


def test_the_first_time_is_told_and_then_the_last_of_a_batch_once_a_minute() -> None:
    log = Log()
    log.batch(tick(0.2), tick(0.4), tick(5.1), tick(5.2))
    log.batch(tick(5.9))
    log.batch(tick(6.0))
    assert log.times() == [0.2, 5.2, 6.0]


def test_time_is_told_behind_the_counts_of_its_batch() -> None:
    log = Log()
    log.batch(tick(0))
    log.outbox = Outbox()
    log.batch(tick(1), complaint(1))
    group = next(
        records
        for (topic, _), records in log.outbox.groups.items()
        if topic == MENTION_COUNTS.name and len(records) > 1
    )
    assert [decode(record.value).record for record in group] == ["mention_count", "counted_until"]


def test_a_restart_goes_on_with_the_time_that_was_told() -> None:
    log = Log()
    log.batch(tick(3.5))
    (state,) = log.outbox.to(COUNT_STATE.name, 1)
    again = Log()
    again.stage.restore(TOLD_KEY, state.value)
    again.stage.restored()
    again.batch(tick(3.9))
    assert again.times() == []
    again.batch(tick(4.0))
    assert again.times() == [4.0]


def test_what_is_no_record_becomes_a_dead_letter_and_the_rest_counts() -> None:
    log = Log()
    log.batch(b"not a record", complaint(1))
    assert len(log.outbox.to(DEAD_LETTERS.name, 1)) == 1
    assert log.counts() == [(1, 0, 1)]
