"""When the second stage rests, and when it works again."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.second_stage import LagLimits, next_mode
from schemas.records import ClassifierMode

LIMITS = LagLimits(high=1000, low=200)
lags = st.integers(0, 5_000)
two_stages: st.SearchStrategy[ClassifierMode] = st.sampled_from(["two_stage", "second_skipped"])


@st.composite
def limits(draw: st.DrawFn) -> LagLimits:
    low, high = sorted(draw(st.lists(st.integers(1, 4_000), min_size=2, max_size=2, unique=True)))
    return LagLimits(high=high, low=low)


def modes(start: ClassifierMode, lags: list[int], limits: LagLimits) -> list[ClassifierMode]:
    found = [start]
    for lag in lags:
        found.append(next_mode(found[-1], lag, limits))
    return found


def changes(found: list[ClassifierMode]) -> int:
    return sum(before != after for before, after in pairwise(found))


def test_a_growing_backlog_makes_the_second_stage_rest_until_it_is_small_again() -> None:
    found = modes("two_stage", [0, 1000, 1001, 999, 200, 199, 1000], LIMITS)
    assert found[1:] == ["two_stage"] * 2 + ["second_skipped"] * 3 + ["two_stage"] * 2


@given(limits(), two_stages, lags)
def test_a_lag_above_the_high_limit_skips_and_one_below_the_low_limit_does_not(
    limits: LagLimits, mode: ClassifierMode, lag: int
) -> None:
    if lag > limits.high:
        assert next_mode(mode, lag, limits) == "second_skipped"
    if lag < limits.low:
        assert next_mode(mode, lag, limits) == "two_stage"


@given(limits(), two_stages, st.data())
def test_between_the_limits_nothing_ever_changes(limits: LagLimits, mode: ClassifierMode, data: st.DataObject) -> None:
    wavering = data.draw(st.lists(st.integers(limits.low, limits.high), max_size=50))
    assert set(modes(mode, wavering, limits)) == {mode}


@given(limits(), two_stages, st.lists(lags, max_size=50))
def test_each_change_needs_a_lag_beyond_the_other_limit(
    limits: LagLimits, mode: ClassifierMode, lags: list[int]
) -> None:
    beyond = [lag > limits.high for lag in lags if not limits.low <= lag <= limits.high]
    crossings = sum(before != after for before, after in pairwise(beyond))
    assert changes(modes(mode, lags, limits)) <= crossings + 1


@given(limits(), two_stages, st.lists(lags, min_size=1).map(sorted))
def test_a_lag_that_only_grows_ends_the_second_stage_at_most_once(
    limits: LagLimits, mode: ClassifierMode, lags: list[int]
) -> None:
    assume(mode == "two_stage")
    assert changes(modes(mode, lags, limits)) <= 1


@given(limits(), lags)
def test_the_same_lag_again_changes_nothing_more(limits: LagLimits, lag: int) -> None:
    once = next_mode("two_stage", lag, limits)
    assert next_mode(once, lag, limits) == once


@pytest.mark.parametrize("lag", [0, 500, 10**9])
def test_without_a_second_model_there_is_nothing_to_skip(lag: int) -> None:
    assert next_mode("one_stage", lag, LIMITS) == "one_stage"
