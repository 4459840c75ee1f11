"""`tenfour policy check`."""

import json
from pathlib import Path

from tests.tenfour.command import ROOT, tenfour


def test_a_valid_policy_is_told_with_its_version_and_targets() -> None:
    ended = tenfour("policy", "check")
    assert ended.status == 0
    assert ended.out.startswith("policy.yaml: valid, version ")
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["customer_complaint", "urgent", "support", "support-queue", "2", "h"] in rows
    assert ["spam", "none", "-", "-", "-"] in rows


def test_machines_get_the_minutes() -> None:
    found = json.loads(tenfour("policy", "check", "--json").out)
    assert len(found["types"]) == 6
    assert found["types"][0]["first_response_minutes"] == 120


def test_each_mistake_is_a_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = (ROOT / "policy.yaml").read_text()
    file.write_text(text.replace("team: sales", "team: slaes").replace("priority: 3", "priority: third"))
    ended = tenfour("policy", "check", str(file))
    assert (ended.status, ended.out) == (1, "")
    lines = ended.err.splitlines()
    places = [_line_of(text, "team: sales"), _line_of(text, "priority: 3")]
    assert [line.split(": ")[0] for line in lines] == [f"{file}:{place}" for place in sorted(places)]
    assert "did you mean sales?" in ended.err


def test_a_policy_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    ended = tenfour("policy", "check", str(tmp_path / "none.yaml"))
    assert (ended.status, ended.err) == (1, f"tenfour: {tmp_path / 'none.yaml'}: No such file or directory\n")


def test_a_policy_that_is_not_utf8_is_told_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"brands: [Caf\xe9]\n")
    ended = tenfour("policy", "check", str(file))
    assert (ended.status, ended.err) == (1, f"{file}:1: is not UTF-8; save it in that encoding\n")


def _line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1
