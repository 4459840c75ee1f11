"""What holds of the watch whatever stands in the log, against a plain count of all windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.mention_counts import minute_of
from domain.spike_watch import SpikeWatch
from domain.spikes import is_calm, is_spike, usual_count
from schemas.records import MentionCount, SpikeDetected
from tests.domain.count_log import RULES, Entry, folded, mentions, until, watch
from tests.domain.timer_log import NOON

PARTITIONS = 3
LATEST = 90
END = LATEST + 30
"""Minutes; at the end all windows are over."""

minutes = st.integers(0, LATEST)
counts = st.builds(mentions, st.integers(1, 12), minutes, st.sampled_from(["negative", "positive"]))
streams = st.lists(
    st.lists(counts, max_size=12).map(lambda found: sorted(found, key=lambda counted: counted.minute)),
    min_size=PARTITIONS,
    max_size=PARTITIONS,
)
"""What each partition of `mentions-classified` has, in order of time."""
seeds = st.integers(0, 2**32)


def stream(counted: list[MentionCount], partition: int, chance: Random) -> list[Entry]:
    """The counts of a partition with its time among them, told now and then."""
    found: list[Entry] = [until(0, partition)]
    for one in counted:
        if chance.random() < 0.5:
            found.append(until(minute_of(one.minute) - minute_of(NOON), partition))
        found.append(one)
    return [*found, until(END, partition)]


def interleaved(counted: list[list[MentionCount]], seed: int) -> list[Entry]:
    """The partitions' records in any order among them, each partition's in its own."""
    chance = Random(seed)
    queues = [stream(found, partition, chance)[::-1] for partition, found in enumerate(counted)]
    mixed = []
    while any(queues):
        mixed.append(chance.choice([queue for queue in queues if queue]).pop())
    return mixed


def shown(spikes: list[SpikeDetected]) -> set[tuple[str | None, int, int, str]]:
    start = minute_of(NOON)
    return {(spike.sentiment, minute_of(spike.window_end) - start, spike.count, spike.id) for spike in spikes}


def counted_plainly(counted: list[list[MentionCount]]) -> set[tuple[str | None, int, int]]:
    """What should be told: every window of every series, one after the other."""
    return {
        (sentiment, *spike)
        for sentiment in ("negative", "positive", None)
        for spike in _spikes_of([one for found in counted for one in found if sentiment in (None, one.sentiment)])
    }


def _spikes_of(counted: list[MentionCount]) -> Iterator[tuple[int, int]]:
    per_minute = Counter[int]()
    for one in counted:
        per_minute[minute_of(one.minute) - minute_of(NOON)] += one.count
    span = RULES.window_minutes * RULES.baseline_windows
    told = False
    for end in range(span + RULES.window_minutes, END, RULES.hop_minutes):
        start = end - RULES.window_minutes
        count = sum(per_minute[at] for at in range(start, end))
        usual = usual_count(sum(per_minute[at] for at in range(start - span, start)), RULES)
        if not told and is_spike(count, usual, RULES):
            told = True
            yield end, count
        elif is_calm(count, usual, RULES):
            told = False


@given(streams, seeds)
def test_what_is_told_is_what_a_plain_count_of_all_windows_says(counted: list[list[MentionCount]], seed: int) -> None:
    spikes = folded(watch(partitions=PARTITIONS), interleaved(counted, seed))
    assert {found[:3] for found in shown(spikes)} == counted_plainly(counted)
    assert len({spike.id for spike in spikes}) == len(spikes)


@given(streams, seeds, seeds)
def test_neither_the_order_among_partitions_nor_the_pace_of_time_matters(
    counted: list[list[MentionCount]], seed: int, other: int
) -> None:
    ran = [folded(watch(partitions=PARTITIONS), interleaved(counted, one)) for one in (seed, other)]
    assert shown(ran[0]) == shown(ran[1])


@given(streams, seeds, st.integers(0, 60))
def test_a_restart_anywhere_changes_nothing(counted: list[list[MentionCount]], seed: int, cut: int) -> None:
    log = interleaved(counted, seed)
    first = watch(partitions=PARTITIONS)
    state: dict[bytes, bytes | None] = {}
    before = []
    for record in log[:cut]:
        before += first.fold(record)
        state.update(first.take_changes())
    second = restored(state)
    again = before + folded(second, log[cut:])
    assert again == folded(watch(partitions=PARTITIONS), log)
    assert second.told == frozenset()


def restored(state: dict[bytes, bytes | None]) -> SpikeWatch:
    found = watch(partitions=PARTITIONS)
    for key, value in state.items():
        found.restore(key, value)
    return found
