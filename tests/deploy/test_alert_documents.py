"""Runbooks and the document of the alerts say what is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from tenfour.main import app
from tests.deploy.alert_rules import ROOT, RUNBOOKS, alerts
from tests.deploy.known_series import RECORDED, problems
from tests.deploy.promql import selectors
from tests.docs.blocks import blocks, shell_lines

ALERTS: Final = alerts()
DOCUMENT: Final = ROOT / "docs/alerts.md"
RUNBOOK_PARTS: Final = ["What it means", "Who is affected", "How to see it", "What to do", "When it is over"]
COMMANDS: Final = sorted(
    {line for path in RUNBOOKS.glob("*.md") for line in shell_lines(path) if line.startswith("tenfour ")}
)


# Runbooks


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.name for path in RUNBOOKS.glob("*.md")} == {alert.runbook for alert in ALERTS} | {"README.md"}


@pytest.mark.parametrize("runbook", sorted({alert.runbook for alert in ALERTS}))
def test_a_runbook_has_every_part(runbook: str) -> None:
    text = (RUNBOOKS / runbook).read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == RUNBOOK_PARTS
    assert f"`{next(alert.name for alert in ALERTS if alert.runbook == runbook)}`" in text


def test_runbooks_ask_only_for_metrics_that_exist() -> None:
    queries = [
        (path.name, query)
        for path in sorted(RUNBOOKS.glob("*.md"))
        for block in blocks(path, "promql")
        for query in block.splitlines()
    ]
    wrong = [(name, problem) for name, query in queries for one in selectors(query) for problem in problems(one)]
    assert queries
    assert wrong == []


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.name)
def test_every_link_of_a_runbook_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_a_runbook_shows_exists_with_its_options(command: str) -> None:
    answer = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert answer.exit_code == 0, answer.output


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
