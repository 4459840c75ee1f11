"""The alerts against the product that they watch; without Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import yaml

from schemas.record_fields import MentionType
from tests.deploy.alert_rules import PREFIX, PROMTOOL_TESTS, ROOT, Alert, Recording, alerts
from tests.deploy.known_series import PROCESSES, RECORDINGS, TARGET_LABELS, labels_of, problems
from tests.deploy.promql import grouped_by, selectors

ALERTS: Final = alerts()
NAMES: Final = sorted({alert.name for alert in ALERTS})
SEVERITIES: Final = {"page", "ticket", "info", "none"}
PROMETHEUS: Final = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))

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


# What a rule asks for


@every_rule
def test_a_rule_names_only_metrics_labels_and_values_that_exist(rule: Alert | Recording) -> None:
    wrong = [problem for selector in selectors(rule.expression) for problem in problems(selector)]
    assert wrong == []


@every_rule
def test_a_rule_groups_by_labels_that_what_it_asks_for_has(rule: Alert | Recording) -> None:
    asked = selectors(rule.expression)
    assert grouped_by(rule.expression) <= {label for selector in asked for label in labels_of(selector.metric)}


def test_the_check_itself_finds_what_does_not_exist() -> None:
    wrong = 'sum by (team) (tenfour_sla_events_total{kind="late", team="pr"}) / tenfour_nothing_total'
    found = [problem for selector in selectors(wrong) for problem in problems(selector)]
    assert found == [
        "tenfour_sla_events_total: kind is never late",
        "tenfour_sla_events_total has no label team",
        "there is no tenfour_nothing_total",
    ]


@every_alert
def test_an_alert_says_only_labels_that_it_has(alert: Alert) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", "".join(alert.annotations.values())))
    assert named <= {label for selector in selectors(alert.expression) for label in labels_of(selector.metric)}


def test_prometheus_gives_every_series_the_job_and_the_processes_that_the_rules_go_by() -> None:
    (job,) = PROMETHEUS["scrape_configs"]
    named = [found for discovery in job["dns_sd_configs"] for found in discovery["names"]]
    fixed = [target["labels"]["process"] for target in job["static_configs"]]
    assert (job["job_name"],) == TARGET_LABELS["job"]
    assert sorted([*named, *fixed]) == sorted(PROCESSES)


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
