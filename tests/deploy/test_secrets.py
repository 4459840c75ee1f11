"""No file that says how the product is run holds a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deploy.compose_file import COMPOSE_FILE, REPOSITORY

NOT_IN_THE_REPOSITORY = {"receivers", "__pycache__"}
FILES = [COMPOSE_FILE, *sorted(path for path in (REPOSITORY / "deploy").rglob("*") if path.is_file())]
IN_AN_ADDRESS = re.compile(r"://[^\s/:@]+:[^\s/@$]+@")
SAID = re.compile(
    r"""(?i)\b\w*(password|passwd|secret|api_?key|bearer_token|credentials)["']?\s*[:=]\s*["']?[^\s"'${\[]{6,}"""
)
RANDOM = re.compile(r"\b(?=\w*\d)(?=\w*[a-f])[0-9a-f]{32,}\b")
EXAMPLES = {
    IN_AN_ADDRESS: "url: postgresql://tenfour:hunter22@postgres/tenfour",
    SAID: "basic_auth: {username: x, password: hunter22}",
    RANDOM: "tokens: 5e884898da28047151d0e56f8dc62927",
}


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if not NOT_IN_THE_REPOSITORY & set(path.parts)],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_a_file_holds_no_secret(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if any(pattern.search(line) for pattern in EXAMPLES)] == []


@pytest.mark.parametrize(("pattern", "line"), EXAMPLES.items(), ids=["address", "said", "random"])
def test_a_secret_would_be_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)
