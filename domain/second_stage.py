"""When there is no time for a second, slower model: above a lag it rests, until the lag has become small again."""

from typing import NamedTuple

from schemas.records import ClassifierMode


class LagLimits(NamedTuple):
    """Records behind. `low` lies below `high`, so that a lag which wavers between them changes nothing."""

    high: int
    low: int


def next_mode(mode: ClassifierMode, lag: int, limits: LagLimits) -> ClassifierMode:
    """How the classifier works at this lag, if it worked in `mode` before. Without a second model nothing changes."""
    if mode == "two_stage" and lag > limits.high:
        return "second_skipped"
    if mode == "second_skipped" and lag < limits.low:
        return "two_stage"
    return mode
