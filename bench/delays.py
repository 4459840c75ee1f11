"""Delays, and what of them is told."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = ("p50 ms", "p95 ms", "p99 ms", "max ms")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed. Raises ValueError if there is none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def told(delays_ms: Sequence[float]) -> list[str]:
    """Cells for COLUMNS."""
    return [f"{percentile(delays_ms, percent):.0f}" for percent in (50, 95, 99, 100)]
