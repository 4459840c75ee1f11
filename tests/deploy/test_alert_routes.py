"""Where alerts go and what keeps which quiet, as Alertmanager is told; without Alertmanager."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from streams.metrics import STAGES
from tests.deploy.alert_rules import ALERTMANAGER, PREFIX, alerts
from tests.deploy.known_series import PROCESSES

CONFIG: Final[dict[str, Any]] = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
SEVERITIES: Final = ("page", "ticket", "info", "none")


def test_alertmanager_names_only_alerts_stages_and_processes_that_exist() -> None:
    quiet = [rule[side] for rule in CONFIG["inhibit_rules"] for side in ("source_matchers", "target_matchers")]
    ways = [route["matchers"] for route in CONFIG["route"]["routes"]]
    names = {alert.name for alert in alerts()}
    known = {"alertname": (*names, f"{PREFIX}.+"), "stage": STAGES, "process": PROCESSES, "severity": SEVERITIES}
    for matcher in (matcher for listed in [*quiet, *ways] for matcher in listed):
        label, values = re.fullmatch(r'(\w+)(?:=~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
        assert set(values.split("|") if values != f"{PREFIX}.+" else [values]) <= set(known[label]), matcher


def test_no_address_stands_in_the_configuration_of_alertmanager() -> None:
    hooks = [hook for receiver in CONFIG["receivers"] for hook in receiver.get("webhook_configs", ())]
    assert len(hooks) == 3
    assert all("url" not in hook and hook["url_file"].startswith("/etc/alertmanager/receivers/") for hook in hooks)
    assert "://" not in ALERTMANAGER.read_text(encoding="utf-8")
