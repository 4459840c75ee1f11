"""The Compose files against the Compose specification, whose schema the package check-jsonschema carries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.compose_file import CLUSTER_FILE, COMPOSE_FILE

pytest.importorskip("check_jsonschema")


@pytest.mark.parametrize("path", [COMPOSE_FILE, CLUSTER_FILE], ids=lambda path: path.name)
def test_the_file_follows_the_compose_specification(path: Path) -> None:
    checked = _checked(path)
    assert checked.returncode == 0, checked.stdout


def test_a_misspelt_key_does_not_follow_it(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    assert "stop_grace_period:" in text
    broken.write_text(text.replace("stop_grace_period:", "stop_grace_time:"), encoding="utf-8")
    assert _checked(broken).returncode != 0


def _checked(path: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60)
