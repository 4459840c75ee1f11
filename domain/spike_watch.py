"""The fold of one partition of `mention-counts`: which kinds of mention a brand suddenly has far more of.

Counts of a brand come from all partitions of `mentions-classified`, in no order among them. So time here is the
earliest of what the partitions' ticks say: a window is judged when every partition has been counted past its end and
the grace. What is told depends neither on how the partitions interleave nor on how often time ticks, except for
mentions that are later than the grace: they count as part of the past, if at all.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from domain.instants import from_ms, to_ms
from domain.mention_counts import MINUTE_MS, minute_of, start_of
from domain.policy_sections import SpikeRules
from domain.spike_state import (
    TIME_KEY,
    Change,
    Heard,
    Series,
    count_value,
    hop_key,
    read,
    read_value,
    time_value,
    told_key,
    told_value,
)
from domain.spikes import is_calm, is_spike, usual_count
from schemas.ids import derive_id
from schemas.records import CountedUntil, MentionCount, SpikeDetected


class SpikeWatch:
    """Counts by series and hop, as far back as a baseline goes; the spikes that were told and are not over."""

    def __init__(self, rules: SpikeRules, partitions: int, policy: str) -> None:
        """`partitions`: of the topic that is counted. `policy`: the version that has these rules."""
        self._rules, self._partitions, self._policy = rules, partitions, policy
        self._span: Final = rules.window_minutes * rules.baseline_windows
        self._counts: defaultdict[Series, dict[int, int]] = defaultdict(dict)
        self._series_at: defaultdict[int, set[Series]] = defaultdict(set)
        """Who has a count in the hop that starts at the minute."""
        self._told: set[Series] = set()
        self._heard: dict[int, Heard] = {}
        self._judged: int | None = None
        """The minute up to whose windows all is judged; None as long as a partition has said nothing."""
        self._changed: dict[bytes, bytes | None] = {}

    @property
    def told(self) -> frozenset[Series]:
        """The spikes that go on."""
        return frozenset(self._told)

    def fold(self, record: MentionCount | CountedUntil) -> list[SpikeDetected]:
        """Takes in the next record and tells what came of it, in order of the windows' ends, then of the series."""
        if isinstance(record, MentionCount):
            self._add(record)
            return []
        return self._hear(record)

    def take_changes(self) -> list[Change]:
        """What to write to the state topic for all that was folded since the last call."""
        changes = list(self._changed.items())
        self._changed.clear()
        return changes

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes in one record of the state topic, in its order. Raises StateError if it cannot be read."""
        parts = read(key)
        if key == TIME_KEY:
            self._restore_time(value)
        elif len(parts) == len(Series._fields):
            (self._told.discard if value is None else self._told.add)(Series(*parts))
        else:
            *series, start = parts
            self._keep(Series(*series), start, 0 if value is None else read_value(value)[0])

    def _restore_time(self, value: bytes | None) -> None:
        self._judged, heard = read_value(value or time_value(None, {}))
        self._heard = {partition: Heard(*ticks) for partition, *ticks in heard}

    def _add(self, counted: MentionCount) -> None:
        minute = minute_of(counted.minute)
        start = minute - minute % self._rules.hop_minutes
        if self._judged is not None and start < self._earliest_kept(self._judged):
            return
        for sentiment in (counted.sentiment, None):
            series = Series(counted.brand, counted.type, sentiment)
            count = self._counts[series].get(start, 0) + counted.count
            self._keep(series, start, count)
            self._changed[hop_key(series, start)] = count_value(count)

    def _keep(self, series: Series, start: int, count: int) -> None:
        """Sets the count of a hop; 0 forgets it."""
        if count:
            self._counts[series][start] = count
            self._series_at[start].add(series)
            return
        self._counts[series].pop(start, None)
        self._series_at[start].discard(series)
        if not self._counts[series]:
            del self._counts[series]
        if not self._series_at[start]:
            del self._series_at[start]

    def _hear(self, time: CountedUntil) -> list[SpikeDetected]:
        at = to_ms(time.at)
        before = self._heard.get(time.partition)
        if before is not None and at <= before.last:
            return []
        self._heard[time.partition] = Heard(before.first if before else at, at)
        spikes = self._advance() if len(self._heard) >= self._partitions else []
        self._changed[TIME_KEY] = time_value(self._judged, self._heard)
        return spikes

    def _advance(self) -> list[SpikeDetected]:
        now = min(ticks.last for ticks in self._heard.values())
        until = self._window_end(now // MINUTE_MS - self._rules.grace_minutes)
        if self._judged is None:
            self._judged = min(until, self._window_end(self._since()))
        spikes = list(self._judge(self._judged, until, now)) if until > self._judged else []
        self._judged = max(self._judged, until)
        self._forget(self._earliest_kept(self._judged))
        return spikes

    def _judge(self, judged: int, until: int, now: int) -> Iterator[SpikeDetected]:
        """The spikes of the windows that end after `judged`, at `until` at the latest."""
        ends = self._windows_with_counts(judged, until)
        before = self._window_end(judged)
        for end in sorted(ends):
            if end > before + self._rules.hop_minutes:
                self._calm(self._told.copy())  # nobody was heard of in the windows between
            self._calm(self._told - ends[end])
            for series in sorted(ends[end], key=_order):
                if (spike := self._judge_window(series, end, now)) is not None:
                    yield spike
            before = end
        if until > before:
            self._calm(self._told.copy())

    def _windows_with_counts(self, judged: int, until: int) -> dict[int, set[Series]]:
        """By the minute of its end, who has a count in the window."""
        hop, length = self._rules.hop_minutes, self._rules.window_minutes
        ends: defaultdict[int, set[Series]] = defaultdict(set)
        for start, series in self._series_at.items():
            first = self._window_end(start) + hop
            for end in range(first, first + length, hop):
                if judged < end <= until:
                    ends[end] |= series
        return ends

    def _judge_window(self, series: Series, end: int, now: int) -> SpikeDetected | None:
        start = end - self._rules.window_minutes
        count = self._count(series, start, end)
        if count < self._rules.min_count and series not in self._told:
            return None
        usual = usual_count(self._count(series, start - self._span, start), self._rules)
        if series in self._told:
            if is_calm(count, usual, self._rules):
                self._calm({series})
            return None
        if start - self._span < self._since() or not is_spike(count, usual, self._rules):
            return None
        self._told.add(series)
        self._changed[told_key(series)] = told_value(True)
        return self._spike(series, start, end, count, usual, now)

    def _spike(self, series: Series, start: int, end: int, count: int, usual: float, now: int) -> SpikeDetected:
        cause = (series.brand, series.type, series.sentiment or "any", str(start), str(end))
        return SpikeDetected(
            id=derive_id("spike_detected", *cause),
            brand=series.brand,
            type=series.type,
            sentiment=series.sentiment,
            window_start=start_of(start),
            window_end=start_of(end),
            count=count,
            baseline=usual,
            ratio=count / usual,
            decided_at=from_ms(now),
            policy=self._policy,
        )

    def _calm(self, series: set[Series]) -> None:
        for one in series:
            self._told.discard(one)
            self._changed[told_key(one)] = told_value(False)

    def _forget(self, before: int) -> None:
        for start in [start for start in self._series_at if start < before]:
            for series in list(self._series_at[start]):
                self._keep(series, start, 0)
                self._changed[hop_key(series, start)] = None

    def _count(self, series: Series, start: int, end: int) -> int:
        return sum(count for hop, count in self._counts[series].items() if start <= hop < end)

    def _earliest_kept(self, judged: int) -> int:
        """The first minute of the baseline of the next window."""
        return self._window_end(judged) + self._rules.hop_minutes - self._rules.window_minutes - self._span

    def _window_end(self, minute: int) -> int:
        """The last end of a window up to the minute."""
        return minute - minute % self._rules.hop_minutes

    def _since(self) -> int:
        """The minute from which on every partition has been counted: no baseline reaches further back."""
        return max(ticks.first for ticks in self._heard.values()) // MINUTE_MS


def _order(series: Series) -> tuple[str, str, str]:
    return series.brand, series.type, series.sentiment or ""
