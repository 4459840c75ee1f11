"""The alerts against the product that they watch, its runbooks and its documents; without Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import yaml

from schemas.record_fields import MentionType
from streams.metric_families import STANDARD, Declaration
from streams.metrics import CATALOGUE, STAGES
from tests.deploy.alert_rules import (
    ALERTMANAGER,
    PREFIX,
    PROMTOOL_TESTS,
    ROOT,
    RUNBOOKS,
    Alert,
    Recording,
    alerts,
    recordings,
)
from tests.deploy.promql import Matcher, Selector, grouped_by, selectors

ALERTS, RECORDINGS = alerts(), recordings()
NAMES: Final = sorted({alert.name for alert in ALERTS})
RECORDED: Final = {recording.name for recording in RECORDINGS}
DECLARED: Final = {declaration.name: declaration for declaration in CATALOGUE.declarations}
PROCESSES: Final = (*STAGES, "gateway", "console")
TARGET_LABELS: Final[dict[str, tuple[str, ...] | None]] = {"job": ("tenfour",), "process": PROCESSES, "instance": None}
"""What the scrape adds to every series: see the contract in docs/alerts.md."""
SEVERITIES: Final = {"page", "ticket", "info", "none"}
DOCUMENT: Final = ROOT / "docs/alerts.md"
RUNBOOK_PARTS: Final = ["What it means", "Who is affected", "How to see it", "What to do", "When it is over"]

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.labels['severity']}")
every_rule = pytest.mark.parametrize("rule", [*ALERTS, *RECORDINGS], ids=lambda rule: rule.name)
every_name = pytest.mark.parametrize("name", NAMES)


# What an alert says


@every_alert
def test_an_alert_says_how_urgent_it_is_what_happens_and_where_to_read_on(alert: Alert) -> None:
    assert alert.labels["severity"] in SEVERITIES
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.annotations["summary"] != alert.annotations["description"]
    assert alert.annotations["runbook_url"] == '{{ or $externalLabels.runbooks "docs/runbooks" }}/' + alert.runbook


@every_alert
def test_an_alert_tells_its_value_for_people(alert: Alert) -> None:
    told = "".join(alert.annotations.values())
    assert re.findall(r"\$value(?! \| humanize)", told) == []


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.name for path in RUNBOOKS.glob("*.md")} == {alert.runbook for alert in ALERTS} | {"README.md"}


@pytest.mark.parametrize("runbook", sorted({alert.runbook for alert in ALERTS}))
def test_a_runbook_has_every_part(runbook: str) -> None:
    text = (RUNBOOKS / runbook).read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == RUNBOOK_PARTS
    assert f"`{next(alert.name for alert in ALERTS if alert.runbook == runbook)}`" in text


# What a rule asks for


@every_rule
def test_a_rule_names_only_metrics_labels_and_values_that_exist(rule: Alert | Recording) -> None:
    wrong = [problem for selector in selectors(rule.expression) for problem in _problems(selector)]
    assert wrong == []


@every_rule
def test_a_rule_groups_by_labels_that_what_it_asks_for_has(rule: Alert | Recording) -> None:
    asked = selectors(rule.expression)
    assert grouped_by(rule.expression) <= {label for selector in asked for label in _labels(selector.metric)}


def test_the_check_itself_finds_what_does_not_exist() -> None:
    wrong = 'sum by (team) (tenfour_sla_events_total{kind="late", team="pr"}) / tenfour_nothing_total'
    found = [problem for selector in selectors(wrong) for problem in _problems(selector)]
    assert found == [
        "tenfour_sla_events_total: kind is never late",
        "tenfour_sla_events_total has no label team",
        "there is no tenfour_nothing_total",
    ]


@every_alert
def test_an_alert_says_only_labels_that_it_has(alert: Alert) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", "".join(alert.annotations.values())))
    assert named <= {label for selector in selectors(alert.expression) for label in _labels(selector.metric)}


def _problems(selector: Selector) -> Iterator[str]:
    if not _exists(selector.metric):
        yield f"there is no {selector.metric}"
        return
    labels = _labels(selector.metric)
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


def _labels(metric: str) -> dict[str, tuple[str, ...] | None]:
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
    own_values = {label: values for name in DECLARED for label, values in _labels(name).items() if label in told}
    return {label: own_values.get(label) for label in (*kept, *told)}


# Objectives


def test_every_type_with_a_target_has_an_objective_that_can_be_missed_fast_enough_to_page() -> None:
    objectives = {
        rule.labels["type"]: float(rule.expression.removeprefix("vector(").removesuffix(")"))
        for rule in RECORDINGS
        if rule.name == "type:tenfour_first_response_objective:ratio"
    }
    policy = yaml.safe_load(Path("policy.yaml").read_text(encoding="utf-8"))["types"]
    assert set(objectives) == {kind for kind in get_args(MentionType) if "first_response_minutes" in policy[kind]}
    assert all(1 > objective > 1 - 1 / 14.4 for objective in objectives.values())


def test_a_fast_burn_pages_for_types_whose_answers_are_due_within_hours() -> None:
    policy = yaml.safe_load(Path("policy.yaml").read_text(encoding="utf-8"))["types"]
    hurried = {kind for kind, rule in policy.items() if 0 < rule.get("first_response_minutes", 0) <= 240}
    pages = [rule for rule in ALERTS if rule.name == "TenfourFirstResponsesLate" and rule.labels["severity"] == "page"]
    for page in pages:
        named = {value for one in selectors(page.expression) for matcher in one.matchers for value in matcher.values}
        assert named == hurried


# How it is tested


@every_name
def test_an_alert_is_tested_silent_then_firing_then_over(name: str) -> None:
    if name == f"{PREFIX}Watchdog":
        return  # it is never silent: its test asserts that
    wanted = {(alert.labels["severity"], alert.labels.get("window")) for alert in ALERTS if alert.name == name}
    assert {kind for story in _stories(name) for kind in _passed_through(story)} == wanted


def _stories(name: str) -> Iterator[list[dict[str, Any]]]:
    """Of each test of promtool what it expects of this alert, in the order of time."""
    for file in sorted(PROMTOOL_TESTS.glob("*.yml")):
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            yield [check for check in test["alert_rule_test"] if check["alertname"] == name]


def _passed_through(story: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    """Kinds of the alert that the story begins without, has, and ends without."""
    seen = [
        {(one["exp_labels"]["severity"], one["exp_labels"].get("window")) for one in check.get("exp_alerts", ())}
        for check in story
    ]
    if not seen or seen[0] or seen[-1]:
        return set()
    return set().union(*seen)


# Where it goes


def test_alertmanager_names_only_alerts_stages_and_processes_that_exist() -> None:
    config = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    rules = config["inhibit_rules"]
    lists = [rule[side] for rule in rules for side in ("source_matchers", "target_matchers")]
    matchers = [
        matcher
        for listed in [*lists, *(route["matchers"] for route in config["route"]["routes"])]
        for matcher in listed
    ]
    known = {"alertname": (*NAMES, f"{PREFIX}.+"), "stage": STAGES, "process": PROCESSES, "severity": tuple(SEVERITIES)}
    for matcher in matchers:
        label, values = re.fullmatch(r'(\w+)(?:=~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
        assert set(values.split("|") if values != f"{PREFIX}.+" else [values]) <= set(known[label]), matcher


def test_no_address_stands_in_the_configuration_of_alertmanager() -> None:
    config = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    hooks = [hook for receiver in config["receivers"] for hook in receiver.get("webhook_configs", ())]
    assert len(hooks) == 3
    assert all("url" not in hook and hook["url_file"].startswith("/etc/alertmanager/receivers/") for hook in hooks)
    assert "://" not in ALERTMANAGER.read_text(encoding="utf-8")


# Documents


def test_the_document_lists_every_alert_as_it_is() -> None:
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(runbooks/(.*?)\) \| (\w+) \| (\S+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    rules = [(alert.name, alert.runbook, alert.labels["severity"], alert.waits or "-") for alert in ALERTS]
    assert sorted(rows) == sorted(rules)


def test_the_document_names_only_recordings_that_exist() -> None:
    named = set(re.findall(r"`(\w+:tenfour_\w+:\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert named
    assert named <= RECORDED


def test_runbooks_ask_only_for_metrics_that_exist() -> None:
    queries = [
        (path.name, query)
        for path in sorted(RUNBOOKS.glob("*.md"))
        for block in re.findall(r"^```promql\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for query in block.splitlines()
    ]
    wrong = [(name, problem) for name, query in queries for one in selectors(query) for problem in _problems(one)]
    assert queries
    assert wrong == []
