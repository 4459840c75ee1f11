from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.codecs import KINDS
from schemas.publish import FOLDER, broken_promises, main, published_files, stale_files


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_the_committed_schemas_are_those_of_the_records() -> None:
    assert list(stale_files(published_files(FOLDER))) == []


def test_no_record_breaks_with_its_committed_schema() -> None:
    assert list(broken_promises(published_files(FOLDER))) == []


def test_no_schema_is_an_orphan() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{kind}.v1.schema.json" for kind in KINDS}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_committed_schema_is_a_json_schema(kind: str) -> None:
    Draft202012Validator.check_schema(json.loads((FOLDER / f"{kind}.v1.schema.json").read_text("utf-8")))


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_schema_requires_the_record_to_name_itself_and_its_version(kind: str) -> None:
    schema = json.loads((FOLDER / f"{kind}.v1.schema.json").read_text("utf-8"))
    assert schema["required"][:2] == ["record", "version"]


def test_publishing_writes_what_a_check_then_accepts(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == len(KINDS)


def test_a_check_names_the_file_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    (tmp_path / "tick.v1.schema.json").unlink()
    assert main(["--check"], tmp_path) == 1
    expected = "tick.v1.schema.json differs from schemas/records.py; run `python -m schemas.publish`\n"
    assert capsys.readouterr().err == expected


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    assert main(["--check"], tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_schema_that_would_break_with_the_published_one_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    file = tmp_path / "tick.v1.schema.json"
    edit(file, '"at"', '"moment"')
    before = file.read_text("utf-8")
    assert main([], tmp_path) == 1
    assert "tick.v1.schema.json: Tick.moment: a required field was removed or renamed" in capsys.readouterr().err
    assert file.read_text("utf-8") == before


def test_a_wrong_option_is_answered_with_the_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chek"], tmp_path) == 2
    assert capsys.readouterr().err == "usage: python -m schemas.publish [--check]\n"
