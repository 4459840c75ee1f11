"""How often one may call: a bucket of leave, from which each request takes one, and which fills over time."""

from __future__ import annotations

from typing import NamedTuple


class Bucket(NamedTuple):
    """`left` requests at the moment `at`, in seconds."""

    left: float
    at: float


def taken(bucket: Bucket | None, now: float, rate: float, burst: int) -> tuple[Bucket, float]:
    """The bucket after a request, and the seconds to wait if there was no leave for it: 0 where there was.

    `rate` is a second, `burst` is what the bucket holds at most. None is a bucket that nobody has used: it is full.
    Time that goes back fills nothing.
    """
    at = now if bucket is None else max(now, bucket.at)
    left = burst if bucket is None else min(burst, bucket.left + (at - bucket.at) * rate)
    if left >= 1:
        return Bucket(left - 1, at), 0.0
    return Bucket(left, at), (1 - left) / rate
