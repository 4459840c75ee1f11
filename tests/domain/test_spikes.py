"""When a count is a spike."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import SpikeRules
from domain.spikes import chance_of, is_calm, is_spike, usual_count

RULES = SpikeRules()
counts = st.integers(1, 5000)
means = st.floats(0.01, 2000)


def test_usual_is_the_mean_of_the_windows_before() -> None:
    assert usual_count(480, RULES) == 5.0


def test_a_past_without_mentions_counts_as_one_mention() -> None:
    assert usual_count(0, RULES) == usual_count(1, RULES) == 1 / 96


@pytest.mark.parametrize(
    ("count", "usual", "told"),
    [
        (9, 0.01, False),  # below min_count
        (10, 0.01, True),
        (10, 2.0, False),  # five times as many, but chance brings so many to 1 of 20,000 windows
        (14, 2.0, True),
        (250, 100.0, False),  # far beyond chance, but not three times as many
        (300, 100.0, True),
    ],
)
def test_a_spike_is_large_in_itself_and_against_the_usual_and_beyond_chance(
    count: int, usual: float, told: bool
) -> None:
    assert is_spike(count, usual, RULES) is told


def test_a_spike_is_over_at_half_of_what_would_tell_it() -> None:
    assert [is_calm(count, 100.0, RULES) for count in (150, 149)] == [False, True]
    assert [is_calm(count, 0.1, RULES) for count in (5, 4)] == [False, True]


@pytest.mark.parametrize(("count", "usual"), [(1, 0.5), (3, 2.0), (12, 4.0), (30, 12.5)])
def test_the_chance_is_that_of_poisson_s_law(count: int, usual: float) -> None:
    below = sum(math.exp(-usual) * usual**number / math.factorial(number) for number in range(count))
    assert chance_of(count, usual) == pytest.approx(1 - below, rel=1e-6)


@given(counts, means)
def test_a_chance_is_a_probability(count: int, usual: float) -> None:
    assert 0.0 <= chance_of(count, usual) <= 1.0


@given(counts, means)
def test_more_mentions_are_never_likelier(count: int, usual: float) -> None:
    assert chance_of(count + 1, usual) <= chance_of(count, usual) * (1 + 1e-9)


@given(counts, means)
def test_more_mentions_stay_a_spike(count: int, usual: float) -> None:
    assert not is_spike(count, usual, RULES) or is_spike(count + 1, usual, RULES)


@given(counts, means)
def test_nothing_is_a_spike_and_calm(count: int, usual: float) -> None:
    assert not (is_spike(count, usual, RULES) and is_calm(count, usual, RULES))
