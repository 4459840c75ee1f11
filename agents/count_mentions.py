"""`mentions-classified` -> `mention-counts`: sums each batch, and says up to when all is counted."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

from domain.mention_counts import BatchPlace, brand_key, counted_until, minute_of, partial_counts
from domain.policy import Policy
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode
from schemas.records import ClassifiedMention, CountedUntil, MentionCount, PublicReply, Tick
from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch
from streams.stages import Stage
from streams.topics import COUNT_STATE, MENTION_COUNTS, MENTIONS_CLASSIFIED

STAGE = "count"
SOURCE = f"/tenfour/{STAGE}"
TOLD_KEY: Final = b"told"
"""Key of the only state record: the last time that was told."""
REMEMBERED: Final = 8192
"""Mentions whose repeat is recognised: more than classify can have written and not committed when it is killed."""
_CODEC = Codec[ClassifiedMention | PublicReply | Tick](ClassifiedMention, PublicReply, Tick)
_STATE_CODEC = Codec[CountedUntil](CountedUntil)


class CountMentions:
    """Counts one partition. Each batch's counts are written once: the state is little, the transaction is the point.

    Every partition of `mention-counts` is told the time once a minute, behind the counts of its batch.
    """

    def __init__(self, partition: int, policy: Policy, partitions: int) -> None:
        self._partition, self._policy, self._partitions = partition, policy, partitions
        self._told: datetime | None = None
        self._seen: OrderedDict[str, None] = OrderedDict()

    def restore(self, key: bytes, value: bytes | None) -> None:  # noqa: ARG002
        self._told = None if value is None else _STATE_CODEC.decode(value).at

    def restored(self) -> None:
        """Nothing to build."""

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        mentions, ticks = self._read(batch, outbox)
        last = batch.records[-1]
        if ticks and self._told is None:
            self._tell(outbox, ticks[0], last)
        place = BatchPlace(batch.topic, batch.partition, batch.records[0].offset, last.offset)
        for counted in partial_counts(mentions, place):
            key = brand_key(counted.brand)
            target = outbox.to_key(MENTION_COUNTS.name, key, self._partitions)
            target.append(_outgoing(key, counted, last))
        if ticks and self._told is not None and minute_of(max(ticks)) > minute_of(self._told):
            self._tell(outbox, max(ticks), last)

    def given_up(self) -> None:
        """Nothing is shown of it."""

    def checkpoint(self, outbox: Outbox) -> None:
        """All changes have been written."""

    def _read(self, batch: RecordBatch, outbox: Outbox) -> tuple[list[ClassifiedMention], list[datetime]]:
        """The mentions to count, and the ticks."""
        mentions, ticks = [], []
        for record in batch.records:
            try:
                found = _CODEC.decode(record.value)
            except ValueError as error:
                add_dead_letter(outbox, STAGE, record, error)
                continue
            if isinstance(found, Tick):
                ticks.append(found.at)
            elif isinstance(found, ClassifiedMention) and self._is_new(found):
                mentions.append(found)
        return mentions, ticks

    def _is_new(self, found: ClassifiedMention) -> bool:
        """Neither of a brand that the policy does not take, nor written again by a classify that was killed."""
        if found.id in self._seen or not self._policy.takes(found.mention.brand):
            return False
        self._seen[found.id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def _tell(self, outbox: Outbox, at: datetime, cause: ReceivedRecord) -> None:
        until = counted_until(at, self._partition)
        for target in range(self._partitions):
            outbox.to(MENTION_COUNTS.name, target).append(_outgoing(None, until, cause))
        state = outbox.to(COUNT_STATE.name, self._partition)
        state.append(OutgoingRecord(TOLD_KEY, encode(until), [], cause.timestamp))
        self._told = at


def count_stage(policy: Policy, partitions: int) -> Stage:
    """`partitions`: of every topic."""
    return Stage(
        STAGE,
        MENTIONS_CLASSIFIED,
        new_fold=lambda partition: CountMentions(partition, policy, partitions),
        state=COUNT_STATE,
    )


def _outgoing(key: bytes | None, record: MentionCount | CountedUntil, cause: ReceivedRecord) -> OutgoingRecord:
    return OutgoingRecord(key, encode(record), headers_of(record, SOURCE), cause.timestamp)
