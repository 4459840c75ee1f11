"""How the stages fare, from two looks at them. Nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from streams.progress import StageLag


@dataclass(frozen=True)
class Look:
    """What was seen at `at`, in seconds of a clock that never goes back."""

    at: float
    lags: Sequence[StageLag]
    """One for each topic that a stage reads."""
    members: Mapping[str, int]
    """By stage."""
    late_s: float | None
    """Seconds that the slowest partition's newest tick lags behind the clock; None where a partition has none."""


@dataclass(frozen=True)
class StageStatus:
    """One stage, all its topics together."""

    stage: str
    topics: tuple[str, ...]
    members: int
    lag: int
    """Records that are not committed."""
    oldest_s: float | None
    """Age of the oldest of them, in seconds."""
    per_second: float | None = None
    """Records committed a second since the look before, ends of transactions included; None for a first look."""

    @property
    def reads(self) -> str:
        """For people."""
        return self.topics[0] if len(self.topics) == 1 else f"{len(self.topics)} topics"


def together(lags: Sequence[StageLag], members: Mapping[str, int]) -> list[StageStatus]:
    """All stages, in their order, from one look. `members`: by stage."""
    return [_status(stage, lags, members.get(stage, 0)) for stage in dict.fromkeys(lag.stage for lag in lags)]


def stage_statuses(look: Look, before: Look) -> list[StageStatus]:
    """The same with their pace since the look before."""
    return [
        replace(status, per_second=_pace(_done(status.stage, before), _done(status.stage, look), look.at - before.at))
        for status in together(look.lags, look.members)
    ]


def _status(stage: str, lags: Sequence[StageLag], members: int) -> StageStatus:
    own = [lag for lag in lags if lag.stage == stage]
    oldest = max((lag.oldest_s for lag in own if lag.oldest_s is not None), default=None)
    return StageStatus(stage, tuple(lag.topic for lag in own), members, sum(lag.records for lag in own), oldest)


def _pace(before: int, now: int, seconds: float) -> float | None:
    """None where nothing can be said: no time has passed, or the topics have been made anew."""
    return (now - before) / seconds if seconds > 0 and now >= before else None


def _done(stage: str, look: Look) -> int:
    return sum(lag.done for lag in look.lags if lag.stage == stage)
