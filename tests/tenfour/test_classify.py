"""`tenfour classify`: what an operator is told before any text is classified."""

import json
from pathlib import Path

from tests.tenfour.command import tenfour


def test_an_unknown_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    ended = tenfour("classify", str(path))
    assert (ended.status, ended.out, ended.err) == (2, "", f"tenfour: {path}: No such file or directory\n")


def test_a_header_that_names_a_column_twice_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("id,text,id\n1,a,2\n")
    ended = tenfour("classify", str(path))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"tenfour: {path}: the header names `id` more than once; rename all but one\n"


def test_a_second_model_reads_doubtful_texts_again(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("@AcmeCare my order never arrived\n")
    ended = tenfour("classify", str(path), TENFOUR_SECOND_MODEL="models/mentions", TENFOUR_SECOND_STAGE_SHARE="1")
    (found,) = map(json.loads, ended.out.splitlines())
    first, second = found["model_version"].split(" > ")
    assert first == second
    assert found["type"] == "customer_complaint"


def test_a_second_model_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("hello\n")
    ended = tenfour("classify", str(path), TENFOUR_SECOND_MODEL=str(tmp_path))
    assert ended.status != 0
    assert ended.out == ""
    assert str(tmp_path / "manifest.json") in ended.err
    assert ended.err.count("\n") == 1


def test_the_shipped_model_says_of_each_text_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mentions.jsonl"
    lines = [
        {"id": 1, "text": "@AcmeCare my order never arrived, I want a refund or my lawyer will call", "type": "theirs"},
        {"id": 2, "text": ""},
        {"id": 3, "text": "@AcmeCare ¿cuánto cuesta el plan familiar y cuándo llega a México?"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "no json\n")
    ended = tenfour("classify", str(path), "--explain")
    complaint, empty, spanish, unreadable = map(json.loads, ended.out.splitlines())
    assert (complaint["id"], complaint["type"], complaint["urgency"]) == (1, "customer_complaint", "urgent")
    assert complaint["input"] == {"type": "theirs"}
    assert complaint["risk_flags"] == ["legal_threat", "refund_request"]
    assert complaint["explain"]["type"]["customer_complaint"] == complaint["confidence"] > 0.5
    assert complaint["model_version"].startswith("mentions-minilm-int8@")
    assert (empty["needs_review"], empty["review_reason"]) == (True, "nothing readable in the text")
    assert (spanish["language"], spanish["needs_review"]) == ("es", True)
    assert unreadable.keys() == {"line", "error"}
    assert (ended.status, unreadable["line"]) == (1, 4)
