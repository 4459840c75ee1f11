from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from gateway.build_bundle import BUNDLE
from gateway.replay_file import ReplayError, read_replay
from schemas.codecs import encode
from schemas.ids import mention_id, public_reply_id
from schemas.records import Mention, PublicReply
from tests.schemas.record_strategies import mentions, public_replies

SIMPLE: dict[str, Any] = {
    "brand": "Acme",
    "channel": "forum",
    "author": "@user",
    "text": "Where is my parcel?",
    "posted_at": "2020-04-01T17:31:32Z",
}
HEADER = "brand,channel,author,text,posted_at"
ROW = "Acme,forum,@user,Where is my parcel?,2020-04-01T17:31:32Z"

Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(content: str | bytes, name: str = "posts.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(ReplayError) as refused:
        read_replay(path)
    assert str(refused.value).startswith(str(path))
    return str(refused.value).removeprefix(str(path)).lstrip(",: ")


def json_line(**changes: Any) -> str:
    return json.dumps({name: value for name, value in (SIMPLE | changes).items() if value is not ...}) + "\n"


def test_a_line_with_the_needed_fields_is_a_mention_received_when_posted(written: Written) -> None:
    (mention,) = read_replay(written(json_line(post="8")))
    posted_at = datetime(2020, 4, 1, 17, 31, 32, tzinfo=UTC)
    assert mention == Mention(
        id=mention_id("Acme", "forum", "8"),
        brand="Acme",
        channel="forum",
        thread="8",
        post="8",
        author="@user",
        text="Where is my parcel?",
        posted_at=posted_at,
        received_at=posted_at,
    )


def test_a_reply_has_the_id_of_a_reply(written: Written) -> None:
    (reply,) = read_replay(written(json_line(record="public_reply", post="8", thread="7")))
    assert isinstance(reply, PublicReply)
    assert (reply.id, reply.thread) == (public_reply_id("Acme", "forum", "8"), "7")


@given(mentions | public_replies)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_record_as_it_travels_is_read_unchanged(written: Written, record: Mention | PublicReply) -> None:
    assert read_replay(written(encode(record) + b"\n")) == [record]


def test_a_line_without_a_post_has_the_same_ids_at_every_reading(written: Written) -> None:
    (once,) = read_replay(written(json_line()))
    (again,) = read_replay(written(json_line(), "again.jsonl"))
    assert once == again
    assert once.thread == once.post


def test_lines_without_a_post_that_differ_have_different_ids(written: Written) -> None:
    one, other = read_replay(written(json_line() + json_line(text="Where is my other parcel?")))
    assert one.id != other.id


def test_a_post_is_the_same_mention_however_much_the_line_says(written: Written) -> None:
    short, long = read_replay(written(json_line(post="8") + json_line(post="8", author_followers=12, url="x")))
    assert short.id == long.id


def test_csv_and_json_lines_that_say_the_same_read_the_same(written: Written) -> None:
    fields = SIMPLE | {"record": "public_reply", "thread": "7", "post": "8", "text": 'a "quoted", line\nand another'}
    cells = ",".join([f'"{str(value).replace(chr(34), chr(34) * 2)}"' for value in fields.values()])
    from_csv = read_replay(written(f"{','.join(fields)}\n{cells}\n", "posts.csv"))
    assert from_csv == read_replay(written(json.dumps(fields) + "\n"))


def test_empty_cells_and_unknown_columns_of_csv_count_for_nothing(written: Written) -> None:
    path = written(f"{HEADER},post,author_followers,mood\n{ROW},8,,sunny\n", "posts.csv")
    assert read_replay(path) == read_replay(written(json_line(post="8")))


def test_numbers_and_flags_are_read_from_cells(written: Written) -> None:
    path = written(f"{HEADER},author_followers,author_verified\n{ROW},1200,true\n", "posts.csv")
    (mention,) = read_replay(path)
    assert isinstance(mention, Mention)
    assert (mention.author_followers, mention.author_verified) == (1200, True)


@pytest.mark.parametrize("content", ["\ufeff" + HEADER + "\r\n" + ROW + "\r\n", HEADER + "\n\n" + ROW])
def test_csv_as_spreadsheets_write_it_is_read(written: Written, content: str) -> None:
    assert len(read_replay(written(content, "posts.csv"))) == 1


def test_blank_lines_between_json_lines_are_skipped(written: Written) -> None:
    assert len(read_replay(written("\n" + json_line(post="1") + "  \n" + json_line(post="2")))) == 2


@pytest.mark.parametrize(("name", "content"), [("a.jsonl.gz", json_line()), ("a.csv.gz", f"{HEADER}\n{ROW}\n")])
def test_a_gzipped_file_is_read(written: Written, name: str, content: str) -> None:
    assert len(read_replay(written(gzip.compress(content.encode()), name))) == 1


def test_the_demo_data_can_be_replayed() -> None:
    assert len(read_replay(BUNDLE)) > 2000


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"text": ...}, "field text: is missing; give it"),
        ({"text": None}, "field text: is missing; give it"),
        ({"brand": ""}, "field brand: is empty; give it"),
        ({"post": 8}, "field post: is not text; put it in quotes"),
        ({"posted_at": ...}, "field posted_at: is missing; give it"),
        (
            {"posted_at": "2020-04-01T17:31:32"},
            "field posted_at: has no offset from UTC; append `Z` or one such as `+02:00`",
        ),
        (
            {"posted_at": "0001-01-01T00:00:00Z"},
            "field posted_at: lies outside the years 1900 to 2199 in UTC",
        ),
        ({"posted_at": "yesterday"}, "field posted_at: is no instant; write it as 2020-04-01T17:31:32Z"),
        ({"record": "tick"}, "field record: must be `mention` or `public_reply`"),
        ({"record": ["mention"]}, "field record: must be `mention` or `public_reply`"),
        ({"version": 2}, "field version: is unknown; this release reads version 1"),
        ({"text": "a" * 100_001}, "field text: is longer than 100000 characters; shorten it"),
    ],
)
def test_a_bad_field_is_named_with_its_line_and_what_to_do(
    written: Written, changes: dict[str, Any], complaint: str
) -> None:
    assert refusal(written(json_line() + json_line(**changes))) == f"line 2: {complaint}"


@pytest.mark.parametrize("content", ["{'text': 'a'}\n", "{\n", '{"text": "\\ud800"}', "[" * 100_000])
def test_a_line_that_is_not_json_is_named(written: Written, content: str) -> None:
    assert refusal(written(json_line() + content)).startswith("line 2: is not JSON (")


def test_a_line_that_is_no_object_is_named(written: Written) -> None:
    assert refusal(written("[]\n")) == "line 1: is not a JSON object; each line must hold one"


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.csv"])
def test_a_line_that_is_not_utf_8_is_named(written: Written, name: str) -> None:
    content = (HEADER if name.endswith(".csv") else "").encode() + b"\n" + "Größe".encode("latin-1")
    assert refusal(written(content, name)) == "line 2: is not UTF-8; save the file in that encoding"


def test_a_csv_header_without_a_needed_column_is_named(written: Written) -> None:
    expected = "line 1: names no column author, posted_at; name at least brand,channel,author,text,posted_at, "
    assert refusal(written("brand;x,channel,text,brand\n", "posts.csv")) == expected + "parted by commas"


def test_a_csv_row_of_another_length_than_the_header_is_named(written: Written) -> None:
    expected = "line 2: has 6 cells, the header 5; quote cells that hold commas"
    assert refusal(written(f"{HEADER}\n{ROW},more\n", "posts.csv")) == expected


def test_a_csv_complaint_names_the_line_where_the_row_begins(written: Written) -> None:
    on_two_lines = ROW.replace("Where is my parcel?", '"Where is\nmy parcel?"')
    content = f"{HEADER}\n{on_two_lines}\n{on_two_lines[:-1]}\n"
    assert refusal(written(content, "posts.csv")).startswith("line 4: field posted_at: ")


def test_a_quote_that_is_never_closed_is_named_with_the_line_where_its_row_begins(written: Written) -> None:
    content = f'{HEADER}\n{ROW}\nAcme,forum,@user,"Where is\nmy parcel?\n'
    assert refusal(written(content, "posts.csv")).startswith("line 3: is not CSV (unexpected end of data)")


def test_no_complaint_quotes_the_content(written: Written) -> None:
    assert "555" not in refusal(written(json_line(posted_at="Call 555-0100")))


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", "\n"), ("a.csv", ""), ("b.csv", HEADER + "\n")])
def test_a_file_without_records_is_named(written: Written, name: str, content: str) -> None:
    assert refusal(written(content, name)) == "holds no records"


@pytest.mark.parametrize("name", ["posts.txt", "posts.json", "posts.gz"])
def test_an_unknown_format_is_answered_with_the_known_ones(written: Written, name: str) -> None:
    assert refusal(written("", name)) == "unknown format; name it .csv or .jsonl, or either with .gz"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv") == "can't be read: No such file or directory"


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(json_line().encode())[:-9], b"\x1f\x8b" + b"\xff" * 30])
def test_a_damaged_gzip_file_is_named(written: Written, content: bytes) -> None:
    assert refusal(written(content, "posts.jsonl.gz")).startswith("can't be read: ")
