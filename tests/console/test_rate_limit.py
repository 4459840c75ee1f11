"""The bucket of leave to call."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.rate_limit import Bucket, taken

RATE, BURST = 2.0, 5


def test_a_bucket_that_nobody_used_is_full() -> None:
    assert taken(None, 7.0, RATE, BURST) == (Bucket(4.0, 7.0), 0.0)


def test_an_empty_one_says_how_long_to_wait() -> None:
    assert taken(Bucket(0.5, 7.0), 7.0, RATE, BURST) == (Bucket(0.5, 7.0), 0.25)


def test_it_never_holds_more_than_a_burst() -> None:
    assert taken(Bucket(0.0, 0.0), 1_000_000.0, RATE, BURST) == (Bucket(4.0, 1_000_000.0), 0.0)


def test_time_that_goes_back_fills_nothing() -> None:
    assert taken(Bucket(0.0, 10.0), 5.0, RATE, BURST) == (Bucket(0.0, 10.0), 0.5)


@given(st.lists(st.floats(0, 3), max_size=200))
def test_nobody_gets_more_than_the_burst_and_the_rate_over_time(pauses: list[float]) -> None:
    bucket, now, let_through = None, 0.0, 0
    for pause in pauses:
        now += pause
        bucket, wait_s = taken(bucket, now, RATE, BURST)
        let_through += wait_s == 0.0
    assert let_through <= BURST + RATE * now + 1e-6


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_who_waits_as_told_is_let_through(left: float, now: float) -> None:
    bucket, wait_s = taken(Bucket(left, now), now, RATE, BURST)
    assert taken(bucket, now + wait_s + 1e-6, RATE, BURST)[1] == 0.0
