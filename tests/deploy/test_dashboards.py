"""The dashboards, without Grafana: what is committed is what is made, and asks for what there is."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Final

import pytest

from deploy.grafana.files import texts
from streams.metric_families import STANDARD, Declaration, Label
from streams.metrics import CATALOGUE
from tests.deploy.dashboard_files import (
    ANY,
    FOLDER,
    Dashboard,
    Panel,
    Place,
    filled,
    groupings,
    read_dashboards,
    selectors,
    variables_of,
)

DASHBOARDS: Final = read_dashboards()
DECLARED: Final = {declaration.name: declaration for declaration in CATALOGUE.declarations}
TARGET_LABELS: Final = {"job", "instance", "process"}
"""What Prometheus adds to all that it reads of a process, as deploy/prometheus says."""
BY_PROMETHEUS: Final = {"up"}
BUILT_IN: Final = {"__rate_interval": "1m", "__range": "1h"}
"""Variables that Grafana itself has."""
PARTS: Final = re.compile("_(bucket|sum|count)$")

every_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=list(DASHBOARDS))


def expressions(dashboard: Dashboard) -> list[str]:
    values = BUILT_IN | {"window": "1h"} | {variable.name: ANY for variable in dashboard.choices}
    return [filled(target.expr, values) for _, target in dashboard.asking]


def declared(metric: str) -> Declaration | None:
    return DECLARED.get(metric) or DECLARED.get(PARTS.sub("", metric))


def labels_of(metric: str) -> dict[str, Label | None]:
    """With what is known of each; of those that prometheus-client and Prometheus set nothing is."""
    labels: dict[str, Label | None] = dict.fromkeys(TARGET_LABELS)
    declaration = declared(metric)
    if declaration is not None:
        labels |= {label.name: label for label in declaration.labels}
        labels |= {"le": None} if metric.endswith("_bucket") else {}
    elif metric.startswith("python_gc_"):
        labels["generation"] = None
    return labels


def shown(dashboard: Dashboard) -> list[Panel]:
    return [panel for panel in dashboard.panels if panel.type != "row"]


def overlap(one: Place, other: Place) -> bool:
    return (
        one.x < other.x + other.w and other.x < one.x + one.w and one.y < other.y + other.h and other.y < one.y + one.h
    )


# What is committed


def test_the_files_are_as_they_are_made() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == texts()


def test_addresses_stay() -> None:
    assert {dashboard.uid for dashboard in DASHBOARDS.values()} == {
        "tenfour-response-desk",
        "tenfour-pipeline",
        "tenfour-operations",
    }


@every_dashboard
def test_each_refreshes_and_is_linked_with_the_others(dashboard: Dashboard) -> None:
    assert (dashboard.refresh, dashboard.tags) == ("10s", ("tenfour",))


@every_dashboard
def test_only_the_reader_says_which_prometheus(dashboard: Dashboard) -> None:
    assert dashboard.variables[0].name == "datasource"
    asked = [
        source for panel in shown(dashboard) for source in (panel.datasource, *(t.datasource for t in panel.targets))
    ]
    asked += [variable.datasource for variable in dashboard.choices]
    assert {(source and source.uid) for source in asked} == {"${datasource}"}


def test_no_file_names_a_host() -> None:
    assert [name for name, text in texts().items() if re.search(r"://|localhost|\d+\.\d+\.\d+\.\d+|:\d{4}", text)] == []


# What panels say


@every_dashboard
def test_every_panel_asks_once_and_says_what_is_normal(dashboard: Dashboard) -> None:
    titles = [panel.title for panel in shown(dashboard)]
    assert len(set(titles)) == len(titles)
    assert [title for title in titles if not title.endswith("?")] == []
    assert [panel.title for panel in shown(dashboard) if len(panel.description) < 60] == []
    assert [panel.title for panel in shown(dashboard) if not panel.fields["defaults"].get("unit")] == []


@every_dashboard
def test_panels_fill_their_rows_and_lie_beside_each_other(dashboard: Dashboard) -> None:
    places = [panel.place for panel in dashboard.panels]
    assert [(one, other) for one, other in combinations(places, 2) if overlap(one, other)] == []
    lines = {place.y for place in places}
    assert [y for y in sorted(lines) if sum(place.w for place in places if place.y == y) != 24] == []
    assert len({panel.id for panel in dashboard.panels}) == len(places)


# What queries ask for


@every_dashboard
def test_every_variable_exists_and_is_used(dashboard: Dashboard) -> None:
    used = {name for _, target in dashboard.asking for name in variables_of(target.expr)}
    assert used - BUILT_IN.keys() == {variable.name for variable in dashboard.variables} - {"datasource"}


@every_dashboard
def test_every_choice_is_of_a_label_that_there_is_and_can_be_all(dashboard: Dashboard) -> None:
    for variable in dashboard.choices:
        metric, label = variable.asks
        assert label in labels_of(metric), variable.query
        assert metric in DECLARED
        assert variable.all


@every_dashboard
def test_every_metric_is_declared(dashboard: Dashboard) -> None:
    read = {name for expression in expressions(dashboard) for name, _ in selectors(expression)}
    assert [
        name for name in sorted(read - BY_PROMETHEUS) if declared(name) is None and not name.startswith(STANDARD)
    ] == []


@every_dashboard
def test_only_histograms_have_buckets_and_only_counters_are_rated(dashboard: Dashboard) -> None:
    for expression in expressions(dashboard):
        for name, _ in selectors(expression):
            declaration = declared(name)
            if declaration is None:
                continue
            assert (declaration.kind == "histogram") == (PARTS.search(name) is not None), name
            risen = re.search(rf"\b(rate|increase)\({name}\b", expression) is not None
            assert risen == (declaration.kind != "gauge"), expression


@every_dashboard
def test_every_matcher_is_of_a_label_and_a_value_that_there_is(dashboard: Dashboard) -> None:
    for expression in expressions(dashboard):
        for name, matchers in selectors(expression):
            known = labels_of(name)
            for matcher in matchers:
                assert matcher.name in known, expression
                label = known[matcher.name]
                if matcher.value != ANY and label is not None and label.values is not None:
                    assert set(matcher.value.split("|")) <= set(label.values), expression


@every_dashboard
def test_every_label_that_is_kept_is_one_of_the_metric(dashboard: Dashboard) -> None:
    for expression in expressions(dashboard):
        for kept, metrics in groupings(expression):
            for metric in metrics:
                assert kept <= labels_of(metric).keys(), expression
