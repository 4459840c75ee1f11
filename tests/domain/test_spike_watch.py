"""The watch over counts, told as stories."""

import pytest

from domain.spike_state import StateError
from domain.spike_watch import SpikeWatch
from tests.domain.count_log import RULES, WARM, folded, mentions, told, until, watch
from tests.domain.timer_log import minute


def test_a_window_far_above_its_past_is_told() -> None:
    assert told(until(0), mentions(1, 3), mentions(6, 17), until(WARM + 3)) == ["6 until 18"]


def test_partial_counts_add_up() -> None:
    assert told(until(0), mentions(3, 16), mentions(2, 17), mentions(1, 17), until(WARM + 3)) == ["6 until 18"]


def test_what_a_brand_always_hears_is_no_spike() -> None:
    steady = [mentions(3, at) for at in range(24)]
    assert told(until(0), *steady, until(30)) == []


def test_nothing_is_told_before_the_grace_has_passed() -> None:
    log = [until(0), mentions(6, 17)]
    assert told(*log, until(18.9)) == []
    assert told(*log, until(19)) == ["6 until 18"]


def test_a_mention_within_the_grace_counts() -> None:
    assert told(until(0), mentions(3, 17), until(18.9), mentions(3, 16), until(19)) == ["6 until 18"]


def test_a_mention_later_than_the_grace_tells_no_spike_and_counts_as_past() -> None:
    late = [until(0), mentions(3, 17), until(23), mentions(9, 17)]
    assert told(*late, until(30)) == []
    assert told(*late, mentions(7, 24), until(30)) == []
    assert told(until(0), mentions(3, 17), until(23), mentions(7, 24), until(30)) == ["7 until 26"]


def test_a_spike_is_told_once_while_it_lasts() -> None:
    flood = [mentions(9, at) for at in range(17, 23)]
    assert told(until(0), *flood, until(27)) == ["9 until 18"]


def test_a_spike_that_has_calmed_down_can_be_told_again() -> None:
    log = [until(0), mentions(6, 17), mentions(30, 40), until(50)]
    assert told(*log) == ["6 until 18", "30 until 42"]


def test_a_dip_that_is_not_calm_tells_nothing_again() -> None:
    log = [until(0), mentions(6, 17), mentions(4, 20), mentions(12, 22), until(40)]
    assert told(*log) == ["6 until 18"]


def test_nothing_is_told_before_there_is_a_whole_baseline() -> None:
    assert told(until(0), mentions(20, 11), until(20)) == []
    assert told(until(0), mentions(20, 15), until(20)) == ["20 until 16"]


def test_the_slowest_partition_decides_what_time_it_is() -> None:
    slow = watch(partitions=2)
    log = [until(0, 0), until(0, 1), mentions(6, 17), until(60, 0)]
    assert folded(slow, log) == []
    spikes = folded(slow, [until(19, 1)])
    assert [spike.count for spike in spikes] == [6, 6]
    assert {spike.decided_at for spike in spikes} == {minute(19)}


def test_a_partition_that_has_not_said_anything_holds_everything_back() -> None:
    assert folded(watch(partitions=2), [until(0), mentions(6, 17), until(60)]) == []


def test_a_time_that_goes_back_is_ignored() -> None:
    assert told(until(0), mentions(6, 17), until(19), until(3), until(19)) == ["6 until 18"]


def test_a_type_is_watched_as_a_whole_too() -> None:
    mixed = [mentions(3, 16, "negative"), mentions(3, 17, "positive")]
    (spike,) = folded(watch(), [until(0), *mixed, until(19)])
    assert (spike.count, spike.sentiment, spike.type) == (6, None, "customer_complaint")


def test_brands_are_watched_apart() -> None:
    log = [until(0), mentions(6, 16, brand="Delta"), mentions(7, 16, brand="Google"), mentions(4, 16, brand="Uber")]
    spikes = folded(watch(), [*log, until(19)])
    assert [(spike.brand, spike.count) for spike in spikes if spike.sentiment] == [("Delta", 6), ("Google", 7)]


def test_a_spike_says_what_was_usual() -> None:
    spike = folded(watch(), [until(0), *(mentions(1, at) for at in (3, 5, 7)), mentions(6, 17), until(19)])[0]
    assert (spike.window_start, spike.window_end) == (minute(14), minute(18))
    assert (spike.count, spike.baseline, spike.ratio) == (6, 1.0, 6.0)
    assert spike.policy == "0123456789abcdef"


def test_a_year_of_silence_costs_nothing_and_ends_a_spike() -> None:
    year = 365 * 24 * 60
    log = [until(0), mentions(6, 17), until(19), until(year), mentions(6, year + 1), until(year + 10)]
    assert told(*log) == ["6 until 18", f"6 until {year + 2}"]


def test_what_no_baseline_needs_any_more_is_removed_from_the_state() -> None:
    tidy = watch()
    state = dict[bytes, bytes | None]()
    for record in (until(0), mentions(6, 17), until(19), until(60)):
        tidy.fold(record)
        state.update(tidy.take_changes())
    assert [key for key, value in state.items() if value is not None] == [b'"time"']


def test_another_hop_takes_the_state_on() -> None:
    """The policy changed between two runs: what was counted counts on, also in the new windows."""
    before = watch()
    folded(before, [until(0), mentions(2, 13), mentions(3, 15)])
    after = restored_with_hop(before, hop=4)
    assert [spike.count for spike in folded(after, [mentions(3, 14), until(21)]) if spike.sentiment] == [8]


@pytest.mark.parametrize("value", [b"[2,5]", b"5", b"{}", b"not JSON"])
def test_a_state_of_another_version_is_refused(value: bytes) -> None:
    with pytest.raises(StateError, match="the state of spikes"):
        watch().restore(b'["Delta","spam",null,5]', value)


def restored_with_hop(before: SpikeWatch, hop: int) -> SpikeWatch:
    after = watch(RULES.model_copy(update={"hop_minutes": hop}))
    for key, value in before.take_changes():
        after.restore(key, value)
    return after
