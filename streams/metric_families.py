"""Metrics that can't surprise: each is declared before it exists, and a label has at most so many values.

A metric costs whoever stores it a series for every combination of its labels, for good. So a label either has known
values, or keeps the first so many that come; the others are counted as `other`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Final, Generic, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

OTHER: Final = "other"
STANDARD: Final = ("process_", "python_")
"""What prometheus-client's own collectors tell of the process."""

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class MetricError(ValueError):
    """A metric is not declared, or is declared twice."""


class Label(NamedTuple):
    """`values`: those that it can have; None where they come from outside, and the first `most` are kept."""

    name: str
    values: tuple[str, ...] | None
    most: int

    @property
    def bound(self) -> int:
        """Most values that it can have, with `other`."""
        return self.most + 1


def of(name: str, values: Sequence[str]) -> Label:
    """A label with known values."""
    return Label(name, tuple(values), len(values))


def up_to(name: str, most: int) -> Label:
    """A label whose values come from outside."""
    return Label(name, None, most)


class Declaration(NamedTuple):
    """What is said of a metric. `unit`: that of its values."""

    name: str
    kind: str
    unit: str
    labels: tuple[Label, ...]
    help: str

    @property
    def series(self) -> int:
        """Most combinations of its labels, in one process."""
        return prod(label.bound for label in self.labels)


class Catalogue(CollectorRegistry):
    """The registry of a process's metrics: refuses those that are not declared."""

    def __init__(self) -> None:
        super().__init__(auto_describe=False)
        self._declared: dict[str, Declaration] = {}

    @property
    def declarations(self) -> list[Declaration]:
        """In the order of their declaration."""
        return list(self._declared.values())

    def declare(self, declaration: Declaration) -> None:
        """Raises MetricError for a name that is declared already."""
        if declaration.name in self._declared:
            raise MetricError(f"{declaration.name} is declared twice")
        self._declared[declaration.name] = declaration

    def register(self, collector: Collector) -> None:
        """Raises MetricError for a metric that is not declared."""
        names = [metric.name for metric in collector.describe()] if hasattr(collector, "describe") else []
        for name in names:
            if not (name in self._declared or f"{name}_total" in self._declared or name.startswith(STANDARD)):
                raise MetricError(f"{name} is not declared: do so in streams/metrics.py")
        super().register(collector)


class Family(Generic[Metric]):
    """A metric with labels."""

    def __init__(self, metric: Metric, labels: Sequence[Label]) -> None:
        self._metric: Metric = metric
        self._labels = tuple(labels)
        self._seen: list[set[str]] = [set(label.values or ()) for label in labels]
        self._children: dict[tuple[str, ...], Metric] = {}

    def labels(self, *values: str) -> Metric:
        """The metric of these values, in the order of the declaration."""
        child = self._children.get(values)
        if child is not None:
            return child
        kept = self._bounded(values)
        child = self._children[kept] = self._children.get(kept) or self._metric.labels(*kept)
        return child

    def known(self) -> list[tuple[str, ...]]:
        """The combinations that are shown."""
        return list(self._children)

    def remove(self, *values: str) -> None:
        """Shows no more of it. What is not shown is no error."""
        if self._children.pop(values, None) is not None:
            self._metric.remove(*values)

    def start_at_zero(self, **chosen: Sequence[str]) -> None:
        """Shows every combination, of labels that have known values, or whose values are given: a counter that
        begins at 1 was never seen to rise."""
        values = [chosen.get(label.name, label.values) for label in self._labels]
        if None in values:
            raise MetricError("a label's values come from outside: say which")
        for combination in product(*(some for some in values if some is not None)):
            self.labels(*combination)

    def _bounded(self, values: Sequence[str]) -> tuple[str, ...]:
        if len(values) != len(self._labels):
            raise MetricError(f"{len(values)} values for the labels {', '.join(one.name for one in self._labels)}")
        return tuple(self._kept(place, value) for place, value in enumerate(values))

    def _kept(self, place: int, value: str) -> str:
        label, seen = self._labels[place], self._seen[place]
        if value in seen:
            return value
        if label.values is None and len(seen) < label.most:
            seen.add(value)
            return value
        return OTHER
