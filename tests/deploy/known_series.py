"""Which series exist, by what the product declares, the scrape adds, and the rules record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from streams.metric_families import STANDARD, Declaration
from streams.metrics import CATALOGUE, STAGES
from tests.deploy.alert_rules import recordings
from tests.deploy.promql import Matcher, Selector, grouped_by

PROCESSES: Final = (*STAGES, "gateway", "console")
TARGET_LABELS: Final[dict[str, tuple[str, ...] | None]] = {"job": ("tenfour",), "process": PROCESSES, "instance": None}
"""What the scrape adds to every series: see the contract in docs/alerts.md."""
RECORDINGS: Final = recordings()
RECORDED: Final = {recording.name for recording in RECORDINGS}
DECLARED: Final = {declaration.name: declaration for declaration in CATALOGUE.declarations}


def problems(selector: Selector) -> Iterator[str]:
    """What of it does not exist."""
    if not _exists(selector.metric):
        yield f"there is no {selector.metric}"
        return
    labels = labels_of(selector.metric)
    for matcher in selector.matchers:
        if matcher.label not in labels:
            yield f"{selector.metric} has no label {matcher.label}"
        else:
            yield from (f"{selector.metric}: {matcher.label} is never {value}" for value in _unknown(matcher, labels))


def _unknown(matcher: Matcher, labels: dict[str, tuple[str, ...] | None]) -> list[str]:
    known = labels[matcher.label]
    return [value for value in matcher.values if known is not None and value not in known]


def _exists(metric: str) -> bool:
    return metric == "up" or metric.startswith(STANDARD) or metric in RECORDED or _declared(metric) is not None


def _declared(metric: str) -> Declaration | None:
    histogram = DECLARED.get(re.sub(r"_(bucket|sum|count)$", "", metric))
    return histogram if histogram is not None and histogram.kind == "histogram" else DECLARED.get(metric)


def labels_of(metric: str) -> dict[str, tuple[str, ...] | None]:
    """Labels of a metric with their values, None where they come from outside."""
    declared = _declared(metric)
    if declared is not None:
        own = {label.name: label.values for label in declared.labels}
        return {**TARGET_LABELS, **own, **({"le": None} if metric.endswith("_bucket") else {})}
    if metric not in RECORDED:
        return TARGET_LABELS
    kept = metric.split(":")[0].split("_")
    told = {
        label for rule in RECORDINGS if rule.name == metric for label in (*grouped_by(rule.expression), *rule.labels)
    }
    own_values = {label: values for name in DECLARED for label, values in labels_of(name).items() if label in told}
    return {label: own_values.get(label) for label in (*kept, *told)}
