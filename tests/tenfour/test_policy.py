"""`tenfour policy check`."""

import json
from pathlib import Path

import yaml

from tests.tenfour.command import ROOT, tenfour


def test_a_valid_policy_is_told_with_its_version_and_targets() -> None:
    ended = tenfour("policy", "check")
    assert ended.status == 0
    assert ended.out.startswith("policy.yaml: valid, version ")
    rows = [line.split() for line in ended.out.splitlines()]
    complaint = ["customer_complaint", "urgent", "support", "support-queue", "24x7", "2", "h", "2", "h", "72", "h"]
    assert complaint in rows
    assert ["spam", "none", "-", "-", "-", "-", "-", "-"] in rows
    assert "at risk after 75%, counted from when a mention is posted" in ended.out
    assert "within the desk, of a response's minutes: review 10%, approval 25%, escalation_ack 25%" in ended.out


def with_rules(folder: Path) -> Path:
    """The shipped policy with a calendar, two rules and another level of risk."""
    raw = yaml.safe_load((ROOT / "policy.yaml").read_text())
    raw["calendars"] = {"berlin": {"timezone": "Europe/Berlin", "open": {"mon": ["09:00-12:30", "13:30-18:00"]}}}
    raw["teams"]["support"]["calendar"] = "berlin"
    raw["targets"] = [
        {"team": "pr", "priority": 1, "first_response_minutes": 30},
        {"type": "customer_complaint", "priority": 2, "first_response_minutes": 60, "resolution_minutes": 1470},
        {"next_response_minutes": 90},
    ]
    raw["at_risk"] = [{"fraction": 0.5}, {"minutes_before": 15}]
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump(raw))
    return file


def test_the_rules_are_shown_in_their_order_and_hold_for_the_types_that_they_fit(tmp_path: Path) -> None:
    out = tenfour("policy", "check", str(with_rules(tmp_path))).out
    rows = [line.split() for line in out.splitlines()]
    assert next(row for row in rows if row[:1] == ["customer_complaint"])[4:] == (
        ["berlin", "1", "h", "1", "h", "30", "min", "24", "h", "30", "min"]
    )
    rules = [" ".join(row) for row in rows if row[:1] in (["team"], ["type"], ["any"])]
    assert rules[-3:] == [
        "team pr, priority 1 30 min - -",
        "type customer_complaint, priority 1 to 2 1 h - 24 h 30 min",
        "any kind - 1 h 30 min -",
    ]
    assert "at risk after 50% and 15 min before due" in out


def test_machines_get_the_rules(tmp_path: Path) -> None:
    found = json.loads(tenfour("policy", "check", "--json", str(with_rules(tmp_path))).out)
    assert found["targets"][0] == {"team": "pr", "priority": 1, "first_response_minutes": 30}
    assert found["at_risk"] == [{"fraction": 0.5}, {"minutes_before": 15}]
    complaint = found["types"][0]
    assert [complaint[f"{name}_minutes"] for name in ("first_response", "next_response", "resolution")] == [
        60,
        90,
        1470,
    ]
    assert complaint["calendar"] == "berlin"
    assert (found["types"][5]["type"], found["types"][5]["first_response_minutes"]) == ("spam", None)


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
