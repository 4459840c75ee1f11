"""What is read of a file of texts, and what is written of each."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfour.classified_texts import CHUNK, write_classified
from tenfour.json_objects import MAX_DEPTH
from tenfour.text_lines import MAX_LINE_BYTES
from tenfour.text_records import InputError, TextRecord, UnreadableLine, read_texts

BOM = b"\xef\xbb\xbf"


class Said(NamedTuple):
    type: str
    sentiment: str
    urgency: str = "urgent"
    confidence: float = 0.75
    needs_review: bool = False
    review_reason: str | None = None
    risk_flags: tuple[str, ...] = ("refund_request", "legal_threat")
    language: str = "en"
    model: str = "m@1"


class Found(NamedTuple):
    classification: Said
    sentiment: dict[str, float]
    type: dict[str, float]
    rules: list[str]


def classify(texts: Sequence[str]) -> list[Found]:
    """A text with "bad" is a complaint, any other is talk."""
    return [_found("bad" in text) for text in texts]


def _found(bad: bool) -> Found:
    said = Said("customer_complaint", "negative") if bad else Said("general_conversation", "neutral")
    return Found(said, {"negative": 0.75, "neutral": 0.25}, {said.type: 0.5}, ["word 'bad'"] * bad)


def read(given: bytes, name: str = "") -> list[TextRecord | UnreadableLine]:
    return list(read_texts(io.BytesIO(given), name))


def texts(given: bytes, name: str = "") -> list[str]:
    """The texts of an input without unreadable lines."""
    found = read(given, name)
    return [record.text for record in found if isinstance(record, TextRecord)] if _all_texts(found) else []


def _all_texts(found: list[TextRecord | UnreadableLine]) -> bool:
    assert [record for record in found if isinstance(record, UnreadableLine)] == []
    return True


def error(given: bytes, name: str) -> str:
    """The complaint about the only record."""
    (found,) = read(given, name)
    assert isinstance(found, UnreadableLine)
    return found.error


def written(given: bytes, name: str = "", *, explain: bool = False) -> list[dict[str, Any]]:
    out = io.BytesIO()
    write_classified(read_texts(io.BytesIO(given), name), classify, out, explain=explain, progress=lambda done: None)
    return [json.loads(line) for line in out.getvalue().decode().splitlines()]


# Which format


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "A.JSONL"])
def test_these_endings_mean_json_lines(name: str) -> None:
    assert texts(b'\n{"text": "a"}\n', name) == ["a"]
    assert error(b"text", name).startswith("is not JSON")


def test_the_ending_decides_whatever_the_first_line_says() -> None:
    assert texts(b"text\na\n", "a.csv") == ["a"]
    assert texts(b"text\na\n", "a.txt") == ["text", "a"]
    assert texts(b'{"text": "a"}\n', "a.txt") == ['{"text": "a"}']


@pytest.mark.parametrize("name", ["", "-", "a", "a.log"])
def test_without_a_known_ending_the_first_line_that_is_not_blank_decides(name: str) -> None:
    assert texts(b'\n \n {"text": "a"}\n', name) == ["a"]
    assert texts(b'\r\nid,"text"\r\n1,a\r\n', name) == ["a"]
    assert texts(b"\nmy text, see\n", name) == ["", "my text, see"]
    assert texts(b"id,Text\n1,a\n", name) == ["id,Text", "1,a"]


@pytest.mark.parametrize("given", [b"", BOM])
@pytest.mark.parametrize("name", ["", "a.txt", "a.jsonl"])
def test_an_empty_input_holds_no_texts(given: bytes, name: str) -> None:
    assert read(given, name) == []


@pytest.mark.parametrize("name", ["", "known"])
@pytest.mark.parametrize(
    ("ending", "given"), [(".txt", b"a\nb"), (".csv", b"text\na\nb"), (".jsonl", b'{"text":"a"}\n{"text":"b"}')]
)
def test_a_byte_order_mark_is_ignored(name: str, ending: str, given: bytes) -> None:
    assert texts(BOM + given, name + ending if name else "") == ["a", "b"]


# Plain lines


def test_each_plain_line_is_a_text_also_an_empty_one() -> None:
    assert texts(b"a\n\n  b \n", "a.txt") == ["a", "", "  b "]
    assert texts(b"\n\n") == ["", ""]


def test_the_last_plain_line_needs_no_end() -> None:
    assert texts(b"a\nb", "a.txt") == ["a", "b"]


def test_plain_lines_end_with_a_line_feed_only_and_lose_one_carriage_return() -> None:
    assert texts("a\rb\u2028c\x0bd\r\ne\r\r\n".encode(), "a.txt") == ["a\rb\u2028c\x0bd", "e\r"]


# JSON lines


def test_blank_lines_between_json_objects_are_skipped_but_counted() -> None:
    found = read(b'\n{"text": "a"}\n \r\n{"text": ""}', "a.jsonl")
    assert found == [TextRecord(2, "a", {}), TextRecord(4, "", {})]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"text": null}', "has no field `text` that is a string"),
        (b'{"txt": "a"}', "has no field `text` that is a string"),
        (b'{"text": 5}', "has no field `text` that is a string"),
        (b'{"text": ["a"]}', "has no field `text` that is a string"),
        (b'["text"]', "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'{"text": "a"', "is not JSON: Expecting ',' delimiter at character"),
        (b'{"text": "a"} {"text": "b"}', "is not JSON: Extra data"),
        (b'{"text": "a", "n": NaN}', "is not JSON: NaN is no number"),
        (b'{"text": "a", "n": -Infinity}', "is not JSON: -Infinity is no number"),
        (b'{"text": "a", "n": 1e999}', "holds a number that is too large: 1e999"),
        (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "holds a number of too many digits"),
        (b'{"text": "a", "n": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "is nested deeper than 100"),
        (b'{"text": ' + b"[" * 100_000, "is nested deeper than 100"),
        (b'{"text": "\xff"}', "is not UTF-8"),
        (b'{"text": "' + b"a" * 100_001 + b'"}', "has a text longer than 100,000 characters"),
        (b'{"text": "' + b"a" * MAX_LINE_BYTES + b'"}', "is longer than 16 MiB"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_object_with_a_text_is_told_in_its_place(line: bytes, complaint: str) -> None:
    before, told, after = read(b'{"text": "a"}\n' + line + b'\n{"text": "b"}\n', "a.jsonl")
    assert (before, after) == (TextRecord(1, "a", {}), TextRecord(3, "b", {}))
    assert isinstance(told, UnreadableLine)
    assert (told.line, told.error[: len(complaint)]) == (2, complaint)


def test_a_text_of_the_greatest_length_is_read() -> None:
    assert texts(b"a" * 100_000, "a.txt") == ["a" * 100_000]
    assert texts(b"text\n" + b"a" * 100_000, "a.csv") == ["a" * 100_000]


# CSV


def test_a_cell_may_hold_commas_quotes_and_line_ends() -> None:
    found = read(b'id,text\r\n1,"a, ""b""\r\nc"\r\n\r\n2,d\r\n', "a.csv")
    assert found == [TextRecord(2, 'a, "b"\r\nc', {"id": "1"}), TextRecord(5, "d", {"id": "2"})]


def test_blank_csv_lines_are_skipped_but_a_quoted_empty_text_is_one() -> None:
    found = read(b'\n \ntext\n\n""\n \na\n', "a.csv")
    assert found == [TextRecord(5, "", {}), TextRecord(7, "a", {})]


def test_a_row_with_surplus_cells_is_unreadable() -> None:
    assert error(b"text,id\na,1,2\n", "a.csv").startswith("has 3 cells, the header 2")


def test_cells_missing_at_a_rows_end_are_empty_unless_it_is_the_text() -> None:
    assert read(b"text,id,n\na\n", "a.csv") == [TextRecord(2, "a", {"id": "", "n": ""})]
    assert error(b"id,text\n1\n", "a.csv") == "has no cell `text`"


def test_a_quote_that_is_never_closed_costs_its_line_only() -> None:
    unclosed, *others = read(b'text\n"a\nb\n' + b"c\n" * 100_000, "a.csv")
    assert isinstance(unclosed, UnreadableLine)
    assert (unclosed.line, unclosed.error[:10]) == (2, "is not CSV")
    assert others[0] == TextRecord(3, "b", {})
    assert len(others) == 100_001


def test_many_quotes_that_are_never_closed_cost_their_lines_only() -> None:
    found = read(b"text\n" + b'"a" b\nc\n' * 3000, "a.csv")
    assert [type(record) for record in found] == [UnreadableLine, TextRecord] * 3000
    assert found[-1].line == 6001


def test_a_csv_row_that_is_not_utf8_is_told_by_the_line_where_it_starts() -> None:
    found = read(b'text\n"a\n\xff"\nb\n', "a.csv")
    assert found == [UnreadableLine(2, "is not UTF-8"), TextRecord(4, "b", {})]


def test_a_csv_text_that_is_too_long_is_unreadable() -> None:
    assert error(b"text\n" + b"a" * 100_001, "a.csv") == "has a text longer than 100,000 characters"
    assert error(b"text\n" + b"a" * 200_000, "a.csv").startswith("is not CSV: field larger than")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (b"", "names no column `text`, only nothing"),
        (b"id,Text, text\n1,a,b\n", "names no column `text`, only `id`, `Text`, ` text`"),
        (b"text,id,n,id,text\n", "names `id`, `text` more than once"),
        (b'text,"id\n', "the header is not CSV"),
        (b"text,\xff\n", "the header is not UTF-8"),
    ],
)
def test_a_csv_needs_a_header_with_a_text_and_no_name_twice(given: bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_texts(io.BytesIO(given), "a.csv")


# What is written


def test_a_record_says_what_the_text_is() -> None:
    assert written(b"so bad", "a.txt") == [
        {
            "text": "so bad",
            "sentiment": "negative",
            "type": "customer_complaint",
            "urgency": "urgent",
            "confidence": 0.75,
            "needs_review": False,
            "review_reason": None,
            "risk_flags": ["legal_threat", "refund_request"],
            "language": "en",
            "model_version": "m@1",
        }
    ]


def test_who_asks_is_told_why() -> None:
    (told,) = written(b"so bad", "a.txt", explain=True)
    assert told["explain"] == {
        "sentiment": {"negative": 0.75, "neutral": 0.25},
        "type": {"customer_complaint": 0.5},
        "rules": ["word 'bad'"],
    }


def test_other_fields_of_the_input_pass_through() -> None:
    (told,) = written(b'{"id": 7, "text": "a", "of": {"x": [null, 1.5, "\\u00e9"]}, "input": 1}')
    assert (told["id"], told["of"], told["input"]) == (7, {"x": [None, 1.5, "é"]}, 1)
    (told,) = written(b"id,text,n\n007,a,\n")
    assert (told["id"], told["n"]) == ("007", "")


def test_fields_named_like_ours_move_below_input() -> None:
    (told,) = written(
        b'{"text": "bad", "sentiment": "positive", "type": 3, "input": {"a": 1}, "explain": "?", "id": 1}'
    )
    assert (told["sentiment"], told["type"]) == ("negative", "customer_complaint")
    assert told["input"] == {"sentiment": "positive", "type": 3, "input": {"a": 1}}
    assert (told["explain"], told["id"]) == ("?", 1)
    (told,) = written(b"explain,text\n?,a\n", explain=True)
    assert told["input"] == {"explain": "?"}


def test_unreadable_lines_stand_in_their_places() -> None:
    told = written(b'{"text": "bad"}\n{\n\n{"text": "b"}\n[]\n', "a.jsonl")
    assert [(record.get("type"), record.get("line")) for record in told] == [
        ("customer_complaint", None),
        (None, 2),
        ("general_conversation", None),
        (None, 5),
    ]
    assert set(told[1]) == {"line", "error"}


def test_lone_surrogates_are_texts_and_give_valid_json() -> None:
    (told,) = written(b'{"text": "bad \\ud800", "n": "\\ud83d\\ude00"}')
    assert (told["text"], told["n"], told["type"]) == ("bad \ud800", "😀", "customer_complaint")


def test_a_record_is_one_line_for_every_reader() -> None:
    (told,) = written('{"text": "a\u2028b\u2029c\x85d"}'.encode())
    assert told["text"] == "a\u2028b\u2029c\x85d"


def test_records_come_in_order_over_all_chunks_and_each_chunk_is_told() -> None:
    given = b"".join(b"\xff\n" if number % 100 == 7 else b"%d\n" % number for number in range(2 * CHUNK + 1))
    out, done = io.BytesIO(), list[int]()
    unreadable = write_classified(read_texts(io.BytesIO(given)), classify, out, explain=False, progress=done.append)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [record.get("text", "?") for record in told] == [
        "?" if number % 100 == 7 else str(number) for number in range(2 * CHUNK + 1)
    ]
    assert unreadable == 6
    assert done == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]


def test_a_chunk_is_written_before_the_next_is_read() -> None:
    out = io.BytesIO()
    lines_out = []

    def records() -> Any:
        for number in range(CHUNK + 1):
            lines_out.append(out.getvalue().count(b"\n"))
            yield TextRecord(number, "a", {})

    write_classified(records(), classify, out, explain=False, progress=lambda done: None)
    assert lines_out == [0] * CHUNK + [CHUNK]


def test_a_chunk_without_texts_asks_no_classifier() -> None:
    out = io.BytesIO()
    unreadable = [UnreadableLine(1, "is not JSON")]
    assert write_classified(unreadable, lambda texts: 1 // 0, out, explain=False, progress=lambda done: None) == 1  # type: ignore[arg-type, return-value]


# Whatever is given


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r")), max_size=20))
def test_any_texts_come_back_from_plain_lines(given: list[str]) -> None:
    lines = "".join(f"{text}\r\n" for text in given)
    assert texts(BOM + lines.encode(), "a.txt") == given


@given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())), max_size=20))
def test_any_fields_come_back_from_json_lines(given: list[dict[str, Any]]) -> None:
    lines = "".join(json.dumps({**fields, "text": "a"}) + "\n" for fields in given)
    found = read(lines.encode(), "a.jsonl")
    assert [{**record.fields} for record in found if isinstance(record, TextRecord)] == [
        {name: value for name, value in fields.items() if name != "text"} for fields in given
    ]
    assert all("\n" not in json.dumps(told) for told in written(lines.encode(), "a.jsonl"))


@given(st.binary(max_size=300), st.sampled_from(["", "a.csv", "a.jsonl", "a.txt"]))
def test_any_bytes_give_valid_json_lines_in_the_order_of_the_input(given: bytes, name: str) -> None:
    given = b"text\n" + given if name == "a.csv" else given
    try:
        found = read(given, name)
    except InputError:
        return  # what looks like a header names a column twice
    assert [record.line for record in found] == sorted({record.line for record in found})
    assert len(written(given, name)) == len(found)
