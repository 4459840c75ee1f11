"""The documentation does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.free_ports import free_port
from streams.settings import Settings
from tenfour.main import COMMANDS, app
from tests.docs.blocks import shell_lines

README = Path("README.md")
DOCUMENTS = [README, *sorted(Path("docs").glob("*.md"))]
TENFOUR = [sys.executable, "-m", "tenfour.main"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = re.findall(r"^make ([a-z-]+)", "\n".join(shell_lines(README)), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


def test_the_readme_lists_every_command_and_no_other() -> None:
    rows = re.findall(r"^\| `tenfour ([a-z-]+)", README.read_text(), re.MULTILINE)
    assert set(rows) == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert "Usage" in answer.output


def test_every_setting_that_the_documents_name_exists() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    known = {f"TENFOUR_{name.upper()}" for name in Settings.model_fields} | {"TENFOUR_CACHE", "TENFOUR_TRACEBACK"}
    assert set(re.findall(r"TENFOUR_[A-Z_]+[A-Z]", text)) <= known


def test_the_mention_that_the_readme_sends_is_routed_and_its_reply_taken(tmp_path: Path) -> None:
    """`tenfour up`, the README's own curls, and `tenfour tail`, as a reader would type them."""
    port = free_port()
    environment = {
        **os.environ,
        "TENFOUR_DATA": str(tmp_path),
        "TENFOUR_GATEWAY_PORT": str(port),
        "TENFOUR_CONSOLE_PORT": str(free_port()),
        "TENFOUR_METRICS_PORT": str(free_port()),
    }
    mention, reply = (line for line in shell_lines(README) if line.startswith("curl"))
    up = subprocess.Popen([*TENFOUR, "up"], env=environment, stderr=subprocess.PIPE)
    try:
        answer, replied = (_sent(curl.replace("localhost:8710", f"127.0.0.1:{port}")) for curl in (mention, reply))
        routed = subprocess.run(
            [*TENFOUR, "tail", "mentions-routed", "--from-start", "--count", "1", "--json"],
            env=environment, capture_output=True, timeout=60, check=True,
        )  # fmt: skip
    finally:
        up.terminate()
        up.wait(40)
    shown = routed.stdout.decode()
    assert answer["accepted"][0]["id"] in shown
    assert len(replied["accepted"]) == 1
    assert '"team"' in shown
    assert up.returncode == 0


def _sent(curl: str) -> dict[str, list[dict[str, str]]]:
    """The answer to the README's curl, asked until the gateway takes it: on a busy machine the log may be late."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        sent = subprocess.run(shlex.split(curl), capture_output=True, check=False)
        answer: dict[str, list[dict[str, str]]] = json.loads(sent.stdout) if sent.stdout else {}
        if "accepted" in answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"the gateway did not take it: {answer}")
