"""Whom a pod of `deploy/kubernetes` reaches, and who reaches it: the NetworkPolicies, asked for each process."""

from __future__ import annotations

from typing import Any

import pytest

from streams.settings import load_settings
from tests.deploy.manifests import Workload, environment, of_kind, workloads
from tests.deploy.processes import NEED_SETTINGS, PREPARING, SERVE_HTTP, USE_THE_READ_MODEL

WORKLOADS = workloads("Deployment") | workloads("Job")
POLICIES = {name: one["spec"] for name, one in of_kind("NetworkPolicy").items()}
KAFKA, POSTGRESQL, HTTPS, NAMES = 9092, 5432, 443, 53

every_workload = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    operators = {"In": lambda value, values: value in values, "NotIn": lambda value, values: value not in values}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        operators[rule["operator"]](labels.get(rule["key"]), rule["values"])
        for rule in selector.get("matchExpressions", [])
    )


def _ports(workload: Workload, direction: str) -> set[int | str]:
    rules = [
        rule
        for policy in POLICIES.values()
        if _selects(policy["podSelector"], workload.labels)
        for rule in policy.get(direction, [])
    ]
    assert all(rule["ports"] for rule in rules), "a rule without ports allows all"
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_nothing_is_allowed_but_what_is_said() -> None:
    assert POLICIES["nothing-else"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@every_workload
def test_a_process_reaches_what_it_needs_and_nothing_else(workload: Workload) -> None:
    wanted = {NAMES}
    wanted |= {KAFKA} if workload.name != "database" else set()
    wanted |= {POSTGRESQL} if workload.name in USE_THE_READ_MODEL else set()
    reached = _ports(workload, "egress")
    assert {port for port in reached if port not in (HTTPS, 465, 587)} == wanted
    assert (HTTPS in reached) == (workload.name in NEED_SETTINGS)


@every_workload
def test_a_process_is_called_where_it_serves_and_asked_for_its_metrics(workload: Workload) -> None:
    called = _ports(workload, "ingress")
    assert ("http" in called) == (workload.name in SERVE_HTTP)
    assert called <= {"http", "metrics"}
    assert called.issuperset(workload.pod.container.port) or workload.name in PREPARING


@pytest.mark.parametrize("overlay", ["small", "large"])
def test_kafka_is_reached_at_the_port_of_the_settings(overlay: str) -> None:
    settings = load_settings(environment(WORKLOADS["route"], overlay))
    assert {address.rpartition(":")[2] for address in settings.bootstrap.split(",")} == {str(KAFKA)}


@pytest.mark.parametrize("policy", ["callers", "scrapes"])
def test_callers_come_from_namespaces_that_were_given_leave(policy: str) -> None:
    for rule in POLICIES[policy]["ingress"]:
        (source,) = rule["from"]
        assert list(source) == ["namespaceSelector"]
        assert list(source["namespaceSelector"]["matchLabels"].values()) == ["allowed"]
