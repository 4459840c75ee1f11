"""Sums a batch of mentions to counts by what they are and the minute in which they were posted.

The minute is that of the post, not of its receipt: what a channel delivers late and all at once, after an outage of its
own, was said over hours and is no spike.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from domain.instants import from_ms, to_ms
from domain.routing import event_time
from schemas.ids import derive_id
from schemas.records import ClassifiedMention, CountedUntil, MentionCount, MentionType, Sentiment

MINUTE_MS: Final = 60_000


class BatchPlace(NamedTuple):
    """Where a batch stands: its topic and partition, the offsets of its first and last record."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int


class _Kind(NamedTuple):
    brand: str
    type: MentionType
    sentiment: Sentiment
    minute: int


def partial_counts(mentions: Iterable[ClassifiedMention], place: BatchPlace) -> list[MentionCount]:
    """The counts of the batch's mentions, in order of their first one."""
    return [_partial_count(kind, count, place) for kind, count in Counter(map(_kind, mentions)).items()]


def counted_until(at: datetime, partition: int) -> CountedUntil:
    """Says that all mentions of the partition before its tick of `at` have been counted."""
    return CountedUntil(id=derive_id("counted_until", str(partition), at.isoformat()), partition=partition, at=at)


def brand_key(brand: str) -> bytes:
    """The key of all counts and spikes of a brand: its name, percent-encoded as in a conversation's key."""
    return quote(brand, safe="").encode()


def minute_of(instant: datetime) -> int:
    """Whole minutes since 1970, floored."""
    return to_ms(instant) // MINUTE_MS


def start_of(minute: int) -> datetime:
    """The instant at which the minute begins."""
    return from_ms(minute * MINUTE_MS)


def _kind(classified: ClassifiedMention) -> _Kind:
    mention, found = classified.mention, classified.classification
    return _Kind(mention.brand, found.type, found.sentiment, minute_of(event_time(mention)))


def _partial_count(kind: _Kind, count: int, place: BatchPlace) -> MentionCount:
    cause = (*map(str, place), kind.brand, kind.type, kind.sentiment, str(kind.minute))
    return MentionCount(
        id=derive_id("mention_count", *cause),
        brand=kind.brand,
        type=kind.type,
        sentiment=kind.sentiment,
        minute=start_of(kind.minute),
        count=count,
        partition=place.partition,
        first_offset=place.first_offset,
        last_offset=place.last_offset,
    )
