"""PromQL that panels have in common. `where`: matchers, as they stand between braces; `by`: labels that stay."""

from __future__ import annotations

from typing import Final, NamedTuple

RECENT: Final = "$__rate_interval"
"""As short as the scrapes allow: for what is looked at by the minute."""
WINDOW: Final = "$window"
"""What the reader has chosen to have answers for."""


class Query(NamedTuple):
    """`legend`: what a series is called, with {{label}} for what its labels say."""

    expr: str
    legend: str = ""


def rate(counter: str, *by: str, where: str = "") -> str:
    """So many a second."""
    return f"sum{_by(by)}(rate({counter}{_braces(where)}[{RECENT}]))"


def many(counter: str, *by: str, where: str = "") -> str:
    """How many within the window."""
    return f"sum{_by(by)}(increase({counter}{_braces(where)}[{WINDOW}]))"


def quantile(share: float, histogram: str, *by: str, where: str = "", over: str = RECENT) -> str:
    """The value that this share of the observations does not exceed."""
    buckets = f"sum{_by(('le', *by))}(rate({histogram}_bucket{_braces(where)}[{over}]))"
    return f"histogram_quantile({share:g}, {buckets})"


def most(gauge: str, *by: str, where: str = "") -> str:
    """Of a gauge that one process knows and the others show as 0."""
    return f"max{_by(by)}({gauge}{_braces(where)})"


def total(gauge: str, *by: str, where: str = "") -> str:
    """Of a gauge of which each process has a part."""
    return f"sum{_by(by)}({gauge}{_braces(where)})"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""


def _braces(matchers: str) -> str:
    return f"{{{matchers}}}" if matchers else ""
