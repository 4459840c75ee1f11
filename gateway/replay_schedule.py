"""In which order a replay writes, and when: time belongs to the replay.

Posts go in the order in which they were posted, as if received at once. Every partition is told the time by
ticks of the replay's own: verdicts depend on the file alone, not on when or how fast it is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from operator import attrgetter
from typing import Final

from schemas.ids import conversation_key
from schemas.records import Mention, PublicReply, Tick

LONGEST_SILENCE: Final = timedelta(hours=1)
"""Event time between two ticks of a partition, at most."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A record to write, and where."""

    partition: int
    key: bytes | None
    """The conversation; none for a tick."""
    record: Mention | PublicReply | Tick

    @property
    def at(self) -> datetime:
        """Event time."""
        return self.record.at if isinstance(self.record, Tick) else self.record.posted_at


def schedule(
    records: Iterable[Mention | PublicReply],
    *,
    partitions: int,
    partition_of: Callable[[bytes], int],
    last_deadline_after: timedelta,
) -> Iterator[Scheduled]:
    """The records and the replay's ticks, in the order in which they are to be written.

    Records are ordered by posted time, stably, and count as received then. A tick of that time precedes each
    in its partition. Every partition has ticks at least hourly, from the first posted time until
    `last_deadline_after` (the longest target and a margin) has passed since the last one. The ticks of a
    partition strictly increase. Nothing comes of no records.
    """
    posts = sorted(records, key=attrgetter("posted_at"))
    if not posts:
        return
    ticks = _Ticks(partitions, posts[0].posted_at)
    for post in posts:
        key = conversation_key(post.brand, post.channel, post.thread).encode()
        partition = partition_of(key)
        yield from ticks.hourly_to(post.posted_at)
        yield from ticks.into(partition, Tick(at=post.posted_at))
        yield Scheduled(partition, key, post.model_copy(update={"received_at": post.posted_at}))
    end = posts[-1].posted_at + last_deadline_after
    yield from ticks.hourly_to(end)
    yield from ticks.everywhere(end)


def paced(
    scheduled: Iterable[Scheduled], speed: float | None, longest_wait_s: float = inf
) -> Iterator[tuple[float, Scheduled]]:
    """Each item with the seconds from the first one until it is to be written: event time divided by `speed`, and at
    most `longest_wait_s` from one post to the next, so that nobody sits through a quiet year.

    No speed means as fast as it goes: 0 seconds each. Raises ValueError for a speed that is not above 0.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed {speed}: must be above 0; 3600 plays an hour in a second")
    return _paced(scheduled, speed or inf, longest_wait_s)


def _paced(scheduled: Iterable[Scheduled], speed: float, longest_wait_s: float) -> Iterator[tuple[float, Scheduled]]:
    due, left, before = 0.0, longest_wait_s, None
    for item in scheduled:
        step = min((item.at - (before or item.at)).total_seconds() / speed, left)
        due, left, before = due + step, left - step, item.at
        if not isinstance(item.record, Tick):
            left = longest_wait_s
        yield due, item


class _Ticks:
    """The ticks of a replay, in each partition later than the one before."""

    def __init__(self, partitions: int, start: datetime) -> None:
        self._last: list[datetime | None] = [None] * partitions
        self._next_hourly = start

    def into(self, partition: int, tick: Tick) -> Iterator[Scheduled]:
        """The tick, unless the partition already knows that time."""
        last = self._last[partition]
        if last is None or last < tick.at:
            self._last[partition] = tick.at
            yield Scheduled(partition, None, tick)

    def everywhere(self, at: datetime) -> Iterator[Scheduled]:
        """The tick in every partition."""
        tick = Tick(at=at)
        for partition in range(len(self._last)):
            yield from self.into(partition, tick)

    def hourly_to(self, instant: datetime) -> Iterator[Scheduled]:
        """The hourly ticks of every partition that are due up to the instant."""
        while self._next_hourly <= instant:
            yield from self.everywhere(self._next_hourly)
            self._next_hourly += LONGEST_SILENCE
