"""What msgspec reads and writes, against pydantic, which knows best."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.codecs import encode
from schemas.desk_records import DeskCommand
from schemas.incident_records import IncidentCommand
from schemas.quick_json import is_written_quickly, quick_bytes, quick_reader
from schemas.records import AnyRecord, ClassifiedMention, DeadLetter, Mention, PolicyVersion
from tests.schemas.record_strategies import mentions, records
from tests.schemas.test_codecs import mention_bytes

EXAMPLE = Path(__file__).parents[2] / "schemas/examples/classified_mention/catalogue_question.json"
READERS = {kind: quick_reader(kind) for kind in get_args(AnyRecord)}


def by_pydantic(kind: type[AnyRecord], value: bytes) -> AnyRecord | None:
    try:
        return kind.__pydantic_validator__.validate_json(value, strict=True)
    except ValidationError:
        return None


def agree(kind: type[AnyRecord], value: bytes) -> None:
    read = READERS[kind]
    if read is not None and (found := read(value)) is not None:
        expected = by_pydantic(kind, value)
        assert found == expected
        assert type(found) is kind
        assert pydantics_bytes(found) == pydantics_bytes(expected)


def pydantics_bytes(record: Any) -> bytes:
    return record.__pydantic_serializer__.to_json(record)


def test_all_kinds_are_read_quickly_but_those_that_hold_anything_bytes_or_one_of_several() -> None:
    assert {kind for kind, read in READERS.items() if read is None} == {
        PolicyVersion,
        DeadLetter,
        DeskCommand,
        IncidentCommand,
    }


@given(records)
def test_what_is_written_quickly_is_what_pydantic_writes(record: AnyRecord) -> None:
    if is_written_quickly(type(record)):
        assert quick_bytes(record) == pydantics_bytes(record)


@given(records)
def test_what_a_stage_wrote_is_read_quickly_and_as_pydantic_reads_it(record: AnyRecord) -> None:
    read, value = READERS[type(record)], encode(record)
    if read is not None:
        found = read(value)
        assert found == record
        assert (found.model_dump(), hash(type(found))) == (record.model_dump(), hash(type(record)))
        assert pydantics_bytes(found) == value


@given(records, st.data())
def test_damage_makes_no_record_that_pydantic_would_not(record: AnyRecord, data: st.DataObject) -> None:
    value = bytearray(encode(record))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(value) - 1))
        value[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    agree(type(record), bytes(value))


@given(
    mentions,
    st.sampled_from(sorted(Mention.model_fields)),
    st.none() | st.integers() | st.floats() | st.text() | st.just([]),
)
def test_another_value_in_a_field_makes_no_record_that_pydantic_would_not(
    mention: Mention, name: str, value: object
) -> None:
    changed = TypeAdapter(dict[str, Any]).dump_json(mention.model_dump(mode="json") | {name: value})
    agree(Mention, changed)


@pytest.mark.parametrize(
    "value",
    [
        mention_bytes(posted_at="2020-04-01T17:31:32.1234567Z"),
        mention_bytes(posted_at="2020-04-01T19:31:32+02:00"),
        mention_bytes(posted_at="1899-12-31T23:59:59Z"),
        mention_bytes(posted_at="2020-04-01T17:31:32"),
        mention_bytes(id=""),
        mention_bytes(author_followers=-1),
        mention_bytes(version=2),
        mention_bytes(text="\ud800"),
        mention_bytes(mood="sunny").replace(b"sunny", b"\xff"),
        mention_bytes()[:-1],
        b"[" * 100_000,
    ],
)
def test_what_is_unusual_is_left_to_pydantic(value: bytes) -> None:
    read = READERS[Mention]
    assert read is not None
    assert read(value) is None


@pytest.mark.parametrize("language", ["en\\n", "EN", "e", "engl"])
def test_a_pattern_ends_where_pydantics_does(language: str) -> None:
    value = EXAMPLE.read_bytes().replace(b'"language": "en"', f'"language": "{language}"'.encode())
    assert value != EXAMPLE.read_bytes()
    assert by_pydantic(ClassifiedMention, value) is None
    agree(ClassifiedMention, value)
