"""The rules and the routes, by Prometheus's and Alertmanager's own tools. Skipped where they are not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.alert_rules import ALERTMANAGER, PROMTOOL_TESTS, ROOT, RULES
from tests.deploy.prometheus_tools import run_tool, understood

RULE_FILES = sorted(RULES.glob("*.yml"))
TEST_FILES = sorted(PROMTOOL_TESTS.glob("*.yml"))


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.name)
def test_prometheus_takes_the_rules(file: Path) -> None:
    run_tool("promtool", "check", "rules", "--lint-fatal", str(file))


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.name)
def test_alerts_are_silent_then_fire_then_are_over(file: Path) -> None:
    run_tool("promtool", "test", "rules", str(file))


def test_a_wrong_expectation_fails(tmp_path: Path) -> None:
    """So the tests above say something."""
    text = (PROMTOOL_TESTS / "people.yml").read_text(encoding="utf-8")
    text = text.replace("../../../deploy", str(ROOT / "deploy"))
    broken = tmp_path / "people.yml"
    broken.write_text(text.replace("severity: info", "severity: page"), encoding="utf-8")
    with pytest.raises(AssertionError, match="TenfourSpikeOpen"):
        run_tool("promtool", "test", "rules", str(broken))


def test_an_operator_says_in_one_place_where_the_runbooks_are(tmp_path: Path) -> None:
    file = tmp_path / "watchdog.yml"
    file.write_text(
        f"""
rule_files: [{RULES}/pipeline.yml]
tests:
  - external_labels: {{runbooks: "https://wiki.example.com/runbooks"}}
    alert_rule_test:
      - eval_time: 1m
        alertname: TenfourWatchdog
        exp_alerts:
          - exp_labels: {{severity: none}}
            exp_annotations:
              summary: Alerts reach you
              description: This alert always fires. Where it does not arrive, no other would.
              runbook_url: https://wiki.example.com/runbooks/watchdog.md
""",
        encoding="utf-8",
    )
    run_tool("promtool", "test", "rules", str(file))


@pytest.fixture
def alertmanager_file(tmp_path: Path) -> Path:
    file = tmp_path / "alertmanager.yml"
    file.write_text(understood(ALERTMANAGER.read_text(encoding="utf-8")), encoding="utf-8")
    return file


def test_alertmanager_takes_its_configuration(alertmanager_file: Path) -> None:
    run_tool("amtool", "check-config", str(alertmanager_file))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=TenfourClockStalled", "severity=page"], "page"),
        (["alertname=TenfourLagHigh", "severity=ticket"], "ticket"),
        (["alertname=TenfourSpikeOpen", "severity=info"], "nobody"),
        (["alertname=TenfourWatchdog", "severity=none"], "dead-mans-switch"),
        (["alertname=SomebodyElses"], "ticket"),
    ],
)
def test_an_alert_goes_to_whom_its_severity_says(alertmanager_file: Path, labels: list[str], receiver: str) -> None:
    answer = run_tool("amtool", "config", "routes", "test", f"--config.file={alertmanager_file}", *labels)
    assert answer.split() == [receiver]
