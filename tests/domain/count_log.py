"""A partition of `mention-counts` in the words of a story: minutes, how many mentions, which spikes came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.mention_counts import counted_until, minute_of
from domain.policy import SpikeRules
from domain.spike_watch import SpikeWatch
from schemas.ids import derive_id
from schemas.records import CountedUntil, MentionCount, Sentiment, SpikeDetected
from tests.domain.timer_log import NOON, minute

Entry = MentionCount | CountedUntil
RULES: Final = SpikeRules(
    window_minutes=4, hop_minutes=2, baseline_windows=3, min_count=5, ratio=2.0, chance=0.05, grace_minutes=1
)
"""Windows of 4 minutes that end every 2, against the 12 minutes before."""
WARM: Final = 16
"""Minutes until the first window with a whole baseline has ended."""


def mentions(count: int, at: int, sentiment: Sentiment = "negative", brand: str = "Delta") -> MentionCount:
    """So many complaints in a minute after noon."""
    return MentionCount(
        id=derive_id(brand, sentiment, str(at), str(count)),
        brand=brand,
        type="customer_complaint",
        sentiment=sentiment,
        minute=minute(at),
        count=count,
        partition=0,
        first_offset=0,
        last_offset=0,
    )


def until(at: float, partition: int = 0) -> CountedUntil:
    """All up to a minute after noon is counted."""
    return counted_until(minute(at), partition)


def watch(rules: SpikeRules = RULES, partitions: int = 1) -> SpikeWatch:
    return SpikeWatch(rules, partitions, "0123456789abcdef")


def folded(watch: SpikeWatch, log: Iterable[Entry]) -> list[SpikeDetected]:
    return [spike for record in log for spike in watch.fold(record)]


def told(*log: Entry, rules: SpikeRules = RULES) -> list[str]:
    """The spikes of one sentiment that a fresh watch tells of one partition's log, such as "6 until 20"."""
    return [_shown(spike) for spike in folded(watch(rules), log) if spike.sentiment is not None]


def _shown(spike: SpikeDetected) -> str:
    return f"{spike.count} until {minute_of(spike.window_end) - minute_of(NOON)}"
