"""Metrics are declared, and no label has more values than it says."""

from __future__ import annotations

import ast

import pytest
from prometheus_client import Counter

from streams.metric_families import OTHER, Catalogue, Declaration, Family, MetricError, of, up_to
from streams.metrics import CATALOGUE
from tests.source_files import ROOT, source_files

DECLARING = ("streams/metrics.py", "streams/metric_families.py")
MOST_SERIES = 60_000
LABELS = (of("type", ["spam", "praise"]), up_to("brand", 3))


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue()
    catalogue.declare(Declaration("mentions_total", "counter", "mentions", LABELS, "Mentions."))
    return catalogue


@pytest.fixture
def mentions(catalogue: Catalogue) -> Family[Counter]:
    counter = Counter("mentions_total", "Mentions.", ["type", "brand"], registry=catalogue)
    return Family(counter, LABELS)


def shown(catalogue: Catalogue) -> dict[tuple[str, str], float]:
    samples = [sample for metric in catalogue.collect() for sample in metric.samples]
    return {
        (sample.labels["type"], sample.labels["brand"]): sample.value
        for sample in samples
        if sample.name == "mentions_total"
    }


def test_a_metric_that_is_not_declared_raises(catalogue: Catalogue) -> None:
    with pytest.raises(MetricError, match=r"surprises is not declared: do so in streams/metrics\.py"):
        Counter("surprises_total", "Nobody knows of it.", registry=catalogue)


def test_a_metric_that_is_declared_twice_raises(catalogue: Catalogue) -> None:
    with pytest.raises(MetricError, match="mentions_total is declared twice"):
        catalogue.declare(Declaration("mentions_total", "gauge", "mentions", (), "Again."))


def test_the_registry_of_the_product_refuses_what_it_does_not_know() -> None:
    with pytest.raises(MetricError, match="tenfour_surprises"):
        Counter("tenfour_surprises_total", "Nobody knows of it.", registry=CATALOGUE)


def test_values_beyond_the_bound_are_counted_together(catalogue: Catalogue, mentions: Family[Counter]) -> None:
    for number in range(1000):
        mentions.labels("spam", f"brand {number}").inc()
    assert shown(catalogue) == {
        ("spam", "brand 0"): 1,
        ("spam", "brand 1"): 1,
        ("spam", "brand 2"): 1,
        ("spam", OTHER): 997,
    }


def test_a_value_that_is_none_of_the_known_ones_is_counted_as_other(
    catalogue: Catalogue, mentions: Family[Counter]
) -> None:
    mentions.labels("riddle", "Delta").inc(2)
    assert shown(catalogue) == {(OTHER, "Delta"): 2}


def test_the_first_values_stay_themselves_however_many_come_after_them(
    catalogue: Catalogue, mentions: Family[Counter]
) -> None:
    for brand in ("Delta", "a", "b", "c", "d", "Delta"):
        mentions.labels("spam", brand).inc()
    assert shown(catalogue)["spam", "Delta"] == 2


def test_counters_can_begin_at_zero(catalogue: Catalogue, mentions: Family[Counter]) -> None:
    mentions.start_at_zero(brand=("Delta",))
    assert shown(catalogue) == {("spam", "Delta"): 0, ("praise", "Delta"): 0}


def test_values_from_outside_have_to_be_said_to_begin_at_zero(mentions: Family[Counter]) -> None:
    with pytest.raises(MetricError, match="come from outside"):
        mentions.start_at_zero()


def test_a_series_can_end_and_begin_again(catalogue: Catalogue, mentions: Family[Counter]) -> None:
    mentions.labels("spam", "Delta").inc(5)
    mentions.remove("spam", "Delta")
    mentions.remove("spam", "never shown")
    assert shown(catalogue) == {}
    mentions.labels("spam", "Delta").inc()
    assert shown(catalogue) == {("spam", "Delta"): 1}


def test_too_few_values_raise(mentions: Family[Counter]) -> None:
    with pytest.raises(MetricError, match="1 values for the labels type, brand"):
        mentions.labels("spam")


@pytest.mark.parametrize("one", CATALOGUE.declarations, ids=lambda one: one.name)
def test_a_metric_of_the_product_says_what_it_is(one: Declaration) -> None:
    assert one.help.endswith(".")
    assert one.unit
    assert one.name.startswith("tenfour_")
    assert one.name.endswith("_total") == (one.kind == "counter")
    assert one.unit != "seconds" or "seconds" in one.name
    assert all(0 < label.most <= 1000 for label in one.labels)


def test_all_series_of_a_process_are_bounded() -> None:
    assert sum(one.series for one in CATALOGUE.declarations) <= MOST_SERIES


def test_metrics_are_made_in_one_place() -> None:
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    made = [
        f"{path}:{node.lineno}"
        for path in source_files("schemas", "domain", "streams", "agents", "models", "gateway", "console", "tenfour")
        if str(path) not in DECLARING
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        if any(name.name in makers for name in node.names) and str(path) != "streams/http_edge.py"
    ]
    assert made == []  # http_edge takes a Counter, and makes none
