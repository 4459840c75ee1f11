"""The dashboards as Grafana reads them: what their panels ask, and of what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from promql_parser import AggregateExpr, Expr, Matcher, VectorSelector, parse, walk
from pydantic import BaseModel, ConfigDict, Field

from tests.source_files import ROOT

FOLDER: Final = ROOT / "deploy" / "grafana" / "dashboards"
ANY: Final = ".*"
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
_LABEL_VALUES: Final = re.compile(r"label_values\((?P<metric>\w+), (?P<label>\w+)\)")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(_Part):
    type: str
    uid: str


class Place(_Part):
    x: int
    y: int
    w: int
    h: int


class Target(_Part):
    """A query."""

    expr: str
    ref: str = Field(alias="refId")
    legend: str = Field("", alias="legendFormat")
    instant: bool = False
    datasource: Source


class Panel(_Part):
    id: int
    type: str
    title: str
    description: str = ""
    place: Place = Field(alias="gridPos")
    datasource: Source | None = None
    targets: tuple[Target, ...] = ()
    fields: dict[str, Any] = Field({}, alias="fieldConfig")


class Variable(_Part):
    name: str
    type: str
    query: str
    datasource: Source | None = None
    all: bool = Field(False, alias="includeAll")

    @property
    def asks(self) -> tuple[str, str]:
        """The metric, and the label of it whose values are to choose from."""
        found = _LABEL_VALUES.fullmatch(self.query)
        assert found is not None, self.query
        return found["metric"], found["label"]


class _Templating(_Part):
    list: tuple[Variable, ...]


class Dashboard(_Part):
    uid: str
    title: str
    tags: tuple[str, ...]
    refresh: str
    panels: tuple[Panel, ...]
    templating: _Templating

    @property
    def variables(self) -> tuple[Variable, ...]:
        return self.templating.list

    @property
    def choices(self) -> list[Variable]:
        """Variables whose values Prometheus is asked for."""
        return [variable for variable in self.variables if variable.type == "query"]

    @property
    def asking(self) -> list[tuple[Panel, Target]]:
        return [(panel, target) for panel in self.panels for target in panel.targets]


def read_dashboards(folder: Path = FOLDER) -> dict[str, Dashboard]:
    """By the name of the file."""
    return {path.stem: Dashboard.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def variables_of(expression: str) -> set[str]:
    return set(_VARIABLE.findall(expression))


def filled(expression: str, values: Mapping[str, str]) -> str:
    """The expression with its variables replaced. Raises KeyError for one without a value."""
    return _VARIABLE.sub(lambda found: values[found[1]], expression)


def selectors(expression: str) -> Iterator[tuple[str, list[Matcher]]]:
    """Each metric that it reads, with its matchers. The expression has no variables."""
    for part in _parts(expression):
        if isinstance(part, VectorSelector):
            assert part.name is not None, expression
            yield part.name, part.matchers.matchers


def groupings(expression: str) -> Iterator[tuple[set[str], set[str]]]:
    """Labels that an aggregation keeps, and the metrics below it. The expression has no variables."""
    for part in _parts(expression):
        if isinstance(part, AggregateExpr) and part.modifier is not None:
            yield set(part.modifier.labels), {name for name, _ in selectors(part.expr.prettify())}


def _parts(expression: str) -> list[Expr]:
    parts: list[Expr] = []
    walk(parse(expression), pre_visit=lambda part: parts.append(part))
    return parts
