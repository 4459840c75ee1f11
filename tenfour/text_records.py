"""Reads texts from JSON lines, CSV or plain lines, each with the line where it starts.

What can't be read is told in its place, and the rest is read on. Lines end with `\\n`, and a `\\r` before it is no
part of a text. A byte order mark at the start is ignored.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import PurePath
from typing import Any, BinaryIO, Final, Literal, NamedTuple, TypeVar

from schemas.records import MAX_TEXT_CHARACTERS
from tenfour.csv_rows import NumberedRow, csv_rows
from tenfour.json_objects import json_object
from tenfour.text_lines import Unreadable, readable, text_lines

TextFormat = Literal["jsonl", "csv", "plain"]
Fields = Mapping[str, Any]
_Given = TypeVar("_Given")

FORMATS: Final[Mapping[str, TextFormat]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".txt": "plain",
}


class InputError(ValueError):
    """The input as a whole can't be read. The text says why, and what to do."""


class TextRecord(NamedTuple):
    """A text, and the other fields that came with it."""

    line: int
    text: str
    fields: Fields


class UnreadableLine(NamedTuple):
    """Lines count from 1; a record of several lines is named by its first."""

    line: int
    error: str


ReadRecord = TextRecord | UnreadableLine


def read_texts(stream: BinaryIO, name: str = "") -> Iterator[ReadRecord]:
    """The texts in their order. The format is that of the name's ending, else of the first line that is not blank.

    The header of a CSV is read at once: raises InputError where it has no column `text`, or the same one twice.
    """
    lines = text_lines(stream)
    format_ = FORMATS.get(PurePath(name).suffix.casefold())
    if format_ is None:
        first = _until_not_blank(lines)
        format_, lines = _format_of(first[-1] if first else ""), chain(first, lines)
    if format_ == "csv":
        rows = csv_rows(lines)
        return _csv_records(_header(rows), rows)
    return _read(enumerate(lines, 1), _json_record if format_ == "jsonl" else _plain_record)


def _until_not_blank(lines: Iterator[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        found.append(line)
        if line.strip():
            break
    return found


def _format_of(line: str) -> TextFormat:
    if line.lstrip().startswith("{"):
        return "jsonl"
    try:
        return "csv" if "text" in next(csv.reader([line]), []) else "plain"
    except csv.Error:
        return "plain"


def _read(
    numbered: Iterable[tuple[int, _Given]], parse: Callable[[int, _Given], TextRecord | None]
) -> Iterator[ReadRecord]:
    """What `parse` makes of each; None is skipped."""
    for line, given in numbered:
        try:
            record = parse(line, given)
        except Unreadable as error:
            yield UnreadableLine(line, str(error))
            continue
        if record:
            yield record


def _plain_record(line: int, given: str) -> TextRecord:
    return TextRecord(line, _text(readable(given.removesuffix("\n").removesuffix("\r"))), {})


def _json_record(line: int, given: str) -> TextRecord | None:
    if not given.strip():
        return None
    fields = json_object(readable(given))
    text = fields.pop("text", None)
    if not isinstance(text, str):
        raise Unreadable("has no field `text` that is a string")
    return TextRecord(line, _text(text), fields)


def _header(rows: Iterator[NumberedRow]) -> list[str]:
    _, header = next(rows, (1, []))
    if isinstance(header, csv.Error):
        raise InputError(f"the header is not CSV: {header}")
    try:
        readable("".join(header))
    except Unreadable as error:
        raise InputError(f"the header {error}") from None
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise InputError(f"the header names {_listed(repeated)} more than once; rename all but one")
    if "text" not in header:
        raise InputError(f"the header names no column `text`, only {_listed(header) or 'nothing'}; add or rename one")
    return header


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _csv_records(header: list[str], rows: Iterator[NumberedRow]) -> Iterator[ReadRecord]:
    def parse(line: int, row: list[str] | csv.Error) -> TextRecord:
        if isinstance(row, csv.Error):
            raise Unreadable(f"is not CSV: {row}")
        fields = _cells(header, [readable(cell) for cell in row])
        return TextRecord(line, _text(fields.pop("text")), fields)

    return _read(rows, parse)


def _cells(header: list[str], row: list[str]) -> dict[str, str]:
    """Cells missing at a row's end are empty, as spreadsheets leave them away; the text must be there."""
    if len(row) > len(header):
        raise Unreadable(f"has {len(row)} cells, the header {len(header)}; quote cells that hold commas")
    if len(row) <= header.index("text"):
        raise Unreadable("has no cell `text`")
    return dict(zip(header, row + [""] * (len(header) - len(row)), strict=True))


def _text(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Unreadable(f"has a text longer than {MAX_TEXT_CHARACTERS:,} characters")
    return text
