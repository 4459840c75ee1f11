"""Instants as whole numbers since 1970 in UTC: milliseconds for the clock, microseconds for business time."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970, floored; negative before."""
    return (instant - EPOCH) // _MILLISECOND


@lru_cache(maxsize=4096)  # The last tick, and what falls due together, is asked for many times over.
def from_ms(milliseconds: int) -> datetime:
    """The instant in UTC. Raises OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(0, 0, 0, milliseconds)


def to_us(instant: datetime) -> int:
    """Microseconds since 1970, which loses nothing; negative before."""
    return (instant - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The instant in UTC. Raises OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(0, 0, microseconds)
