"""Whether live time comes: a clock that gets no ticks gives no verdicts, however well its process looks."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from streams.stages import RunningStage

LATE_S: Final = 10.0
"""Time that is older stands still: ticks come four times a second."""


class TicksSeen:
    """The last tick of each partition that this process works on."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}

    def saw(self, partition: int, at: datetime | None) -> None:
        """`at`: None where none has come yet."""
        if at is not None:
            self._at[partition] = at.timestamp()

    def lost(self, partition: int) -> None:
        """It is another process's now."""
        self._at.pop(partition, None)

    def problem(self, running: RunningStage) -> str | None:
        """Why the stage does not do its work; None where it does, or time is not live."""
        if running.settings.ticks != "live":
            return None
        return late_ticks(self._at, running.owned_partitions(), running.clock())


def late_ticks(seen: dict[int, float], owned: set[int], now: float) -> str | None:
    """Names the partition whose last tick is the oldest; times in seconds since 1970."""
    without = sorted(owned - seen.keys())
    if without:
        return f"partition {without[0]} has had no tick yet"
    oldest = min(owned, key=lambda partition: seen[partition], default=None)
    if oldest is None or now - seen[oldest] <= LATE_S:
        return None
    return f"the last tick of partition {oldest} is {now - seen[oldest]:.0f} s old"
