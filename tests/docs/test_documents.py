"""What the documents beside the README show: commands that exist, policies that are valid, lists that are whole."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from typer.testing import CliRunner

from domain.policy import parse_policy
from schemas.records import MissCause, SlaEventKind, SlaTarget
from streams.topics import TOPICS
from tenfour.main import app
from tests.docs.blocks import blocks, shell_lines

DOCUMENTS = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
CLOCK, CALENDARS, DESIGN = Path("docs/clock.md"), Path("docs/calendars.md"), Path("docs/design.md")
COMMANDS = [
    (document, line.split("#")[0].split("<<")[0].strip())
    for document in DOCUMENTS
    for line in shell_lines(document)
    if line.startswith(".venv/bin/tenfour ")
]
POLICY_PARTS = [(document, text) for document in (CLOCK, CALENDARS) for text in blocks(document, "yaml")]


def with_part(whole: Any, part: Any) -> Any:
    """The whole, with what the part says in its place."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return whole | {name: with_part(whole.get(name), value) for name, value in part.items()}
    return part


def first_cells(document: Path, heading: str) -> list[str]:
    """The names in the first column of the table below a heading."""
    section = document.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(("document", "command"), COMMANDS, ids=str)
def test_every_command_that_a_document_shows_exists_with_its_options(document: Path, command: str) -> None:
    answer = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert answer.exit_code == 0, f"{document}: {command}: {answer.output}"


def test_the_clock_and_the_calendars_show_commands_and_policies() -> None:
    assert {document for document, _ in COMMANDS} >= {CLOCK, CALENDARS}
    assert {document for document, _ in POLICY_PARTS} == {CLOCK, CALENDARS}


@pytest.mark.parametrize(("document", "text"), POLICY_PARTS, ids=str)
def test_every_part_of_a_policy_that_a_document_shows_is_valid(document: Path, text: str) -> None:
    shipped = yaml.safe_load(Path("policy.yaml").read_text(encoding="utf-8"))
    part = yaml.safe_load(text)
    assert part.keys() <= {*shipped, "calendars", "targets"}
    parse_policy(yaml.safe_dump(with_part(shipped, part)), str(document))


def test_the_clock_lists_every_target_event_and_cause() -> None:
    assert set(first_cells(CLOCK, "Targets")) == set(get_args(SlaTarget))
    assert set(first_cells(CLOCK, "What is told")) == set(get_args(SlaEventKind))
    text = CLOCK.read_text(encoding="utf-8")
    assert [cause for cause in get_args(MissCause) if f"`{cause}`" not in text] == []


def test_the_design_lists_every_topic_its_records_and_how_long_they_are_kept() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \|.*\| (\S+?)(?: d)? \|$", DESIGN.read_text("utf-8"), re.MULTILINE)
    kept = {topic.name: "compacted" if topic.retention_days is None else str(topic.retention_days) for topic in TOPICS}
    assert {name: days for name, _, days in rows} == kept
    for topic in TOPICS:
        carried = next(text for name, text, _ in rows if name == topic.name)
        assert [kind.__name__ for kind in topic.records if kind.__name__ not in carried] == []
