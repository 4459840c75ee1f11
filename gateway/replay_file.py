"""Reads recorded mentions and replies: JSON lines or CSV, either also gzipped.

A JSON line is a Mention or PublicReply as it travels, or fewer fields of one. A CSV file names the same ones
in its first line; empty cells count as absent, other columns are ignored.

| field | needed | if absent |
|---|---|---|
| `brand`, `channel`, `author`, `text` | yes | |
| `posted_at` | yes: ISO 8601 with an offset, `2020-04-01T17:31:32Z` | |
| `record` | no | `mention`; the other is `public_reply` |
| `post` | no | derived from the rest of the line |
| `thread` | no | the post itself: a conversation of its own |
| `id` | no | derived from brand, channel and post |
| `received_at` | no | the posted time |
| `url`, `author_followers`, `author_verified` | no | unknown |
| `automatic` | no | of a reply: a person's, or approved by one. `true`: a program's own, which answers nothing |
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from schemas.ids import derive_id, mention_id, public_reply_id
from schemas.records import MAX_TEXT_CHARACTERS, Mention, PublicReply

Fields = dict[str, Any]
Numbered = tuple[int, Fields]

NEEDED: Final = ("brand", "channel", "author", "text", "posted_at")

_NO_INSTANT: Final = "is no instant; write it as 2020-04-01T17:31:32Z"
_HINTS: Final = {
    "missing": "is missing; give it",
    "literal_error": "is unknown; this release reads version 1",
    "datetime_from_date_parsing": _NO_INSTANT,
    "datetime_parsing": _NO_INSTANT,
    "timezone_aware": "has no offset from UTC; append `Z` or one such as `+02:00`",
    "string_type": "is not text; put it in quotes",
    "string_too_short": "is empty; give it",
}


class ReplayError(Exception):
    """The file can't be replayed. The message names the file, the line, the field, and what to do."""


def read_replay(path: Path) -> list[Mention | PublicReply]:
    """All records of the file, in its order. Raises ReplayError before anything of a bad file is used."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".csv", ".jsonl")):
        raise ReplayError(f"{path}: unknown format; name it .csv or .jsonl, or either with .gz")
    try:
        lines = _decoded(_raw_lines(path))
        rows = _csv_rows(lines) if name.endswith(".csv") else _json_rows(lines)
        records = [_record(line, fields) for line, fields in rows]
    except (OSError, EOFError, zlib.error) as error:
        raise ReplayError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    except _BadLine as error:
        raise ReplayError(f"{path}, {error}") from None
    if not records:
        raise ReplayError(f"{path}: holds no records")
    return records


class _BadLine(Exception):
    def __init__(self, line: int, complaint: str) -> None:
        super().__init__(f"line {line}: {complaint}")


def _raw_lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield from file


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """The text of each line; lines are split before decoding, so that an error knows its line."""
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _BadLine(number, "is not UTF-8; save the file in that encoding") from None


def _json_rows(lines: Iterable[str]) -> Iterator[Numbered]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = from_json(line)
        except ValueError as error:
            raise _BadLine(number, f"is not JSON ({error}); each line must hold one object") from None
        if not isinstance(fields, dict):
            raise _BadLine(number, "is not a JSON object; each line must hold one")
        yield number, fields


def _csv_rows(lines: Iterable[str]) -> Iterator[Numbered]:
    rows = csv.reader(lines, strict=True)
    header: list[str] = []
    before = 0
    try:
        for row in rows:
            if not header:
                header = _checked_header(row, rows.line_num)
            elif row:
                yield before + 1, _cells(header, row, before + 1)
            before = rows.line_num
    except csv.Error as error:
        raise _BadLine(before + 1, f"is not CSV ({error}); quote cells that hold commas or quotes") from None


def _checked_header(row: list[str], line: int) -> list[str]:
    header = [cell.strip() for cell in row]
    if absent := [name for name in NEEDED if name not in header]:
        complaint = f"names no column {', '.join(absent)}"
        raise _BadLine(line, f"{complaint}; name at least {','.join(NEEDED)}, parted by commas")
    return header


def _cells(header: list[str], row: list[str], line: int) -> Fields:
    if len(row) != len(header):
        complaint = f"has {len(row)} cells, the header {len(header)}; quote cells that hold commas"
        raise _BadLine(line, complaint)
    return {name: cell for name, cell in zip(header, row, strict=True) if cell != ""}


def _record(line: int, given: Fields) -> Mention | PublicReply:
    kind = given.get("record", "mention")
    if kind not in ("mention", "public_reply"):
        raise _BadLine(line, "field record: must be `mention` or `public_reply`")
    fields = _completed(kind, {name: value for name, value in given.items() if value is not None})
    try:
        return Mention.model_validate(fields) if kind == "mention" else PublicReply.model_validate(fields)
    except ValidationError as error:
        raise _BadLine(line, _complaint(error)) from None


def _completed(kind: str, given: Fields) -> Fields:
    """The fields with what can be derived; values of a wrong type are left for the record to refuse."""
    brand, channel = str(given.get("brand")), str(given.get("channel"))
    post = str(given.get("post") or derive_id("post", *[f"{name}={given[name]}" for name in sorted(given)]))
    id_of = mention_id if kind == "mention" else public_reply_id
    derived = {"post": post, "thread": post, "id": id_of(brand, channel, post)}
    return {**derived, "received_at": given.get("posted_at"), **given}


def _complaint(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    field = ".".join(map(str, found["loc"]))
    if found["type"] == "string_too_long" and field == "text":
        return f"field text: is longer than {MAX_TEXT_CHARACTERS} characters; shorten it"
    return f"field {field}: {_HINTS.get(found['type'], found['msg'].removeprefix('Value error, '))}"
