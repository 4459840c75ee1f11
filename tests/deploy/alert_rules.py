"""The shipped rules of `deploy/prometheus/rules`, as records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy/prometheus/rules"
RUNBOOKS: Final = ROOT / "docs/runbooks"
ALERTMANAGER: Final = ROOT / "deploy/alertmanager/alertmanager.yml"
PROMTOOL_TESTS: Final = ROOT / "tests/deploy/alerts"
PREFIX: Final = "Tenfour"


class Alert(NamedTuple):
    """`waits`: how long the expression must hold, as the rule says it; empty where it fires at once."""

    name: str
    expression: str
    waits: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def runbook(self) -> str:
        """The file's name that belongs to the alert's: `TenfourClockStalled`, `clock-stalled.md`."""
        return "-".join(re.findall(r"[A-Z][a-z]+", self.name.removeprefix(PREFIX))).lower() + ".md"


class Recording(NamedTuple):
    name: str
    expression: str
    labels: dict[str, str]


def alerts() -> list[Alert]:
    """In the order of the files and of what stands in them. A name stands once for each severity and window."""
    return [
        Alert(rule["alert"], rule["expr"], rule.get("for", ""), rule["labels"], rule.get("annotations", {}))
        for rule in _rules()
        if "alert" in rule
    ]


def recordings() -> list[Recording]:
    return [Recording(rule["record"], rule["expr"], rule.get("labels", {})) for rule in _rules() if "record" in rule]


def _rules() -> Iterator[dict[str, Any]]:
    for file in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]
