"""What a batch of records changes: at most one row a key, so that each table takes one statement."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Table

from console.column_rules import Row, merged, rule_of
from schemas.codecs import encode
from schemas.records import Record

MAX_KEY_BYTES: Final = 1600
"""Of a conversation's key: PostgreSQL indexes no more than 2,704 bytes together. No channel's own keys come near."""
_ESCAPED_NUL: Final = b"\\u0000"
_NUL: Final = "\x00"
"""PostgreSQL keeps none in a text."""
_INSTEAD: Final = "\ufffd"


class Changes:
    """Rows to write, those to alter where they exist, and whose derived columns are to be found anew."""

    def __init__(self) -> None:
        self.rows: defaultdict[Table, dict[str, Row]] = defaultdict(dict)
        """By the row's key."""
        self.alterations: defaultdict[Table, dict[str, Row]] = defaultdict(dict)
        """Some columns of a row, by its key."""
        self.left_out = 0
        """Records whose conversation has too long a key."""

    def put(self, table: Table, row: Row) -> None:
        """A row as the record tells it. The first column of the primary key names it."""
        if _is_too_long(row.get("conversation")):
            self.left_out += 1
            return
        _drop_nul(row)
        key, known = row[_key_of(table)], self.rows[table]
        known[key] = merged(table, known[key], row) if key in known else row

    def alter(self, table: Table, key: str, columns: Row) -> None:
        """Columns of a row that another record made, if it is there: what tells of it in part can't make it."""
        _drop_nul(columns)
        key = key.replace(_NUL, _INSTEAD)
        row = self.rows[table].get(key)
        if row is not None:
            self.rows[table][key] = row | {
                name: rule_of(table, name).in_memory(row[name], value) for name, value in columns.items()
            }
            return
        known = self.alterations[table].get(key, {})
        self.alterations[table][key] = known | {
            name: rule_of(table, name).in_memory(known[name], value) if name in known else value
            for name, value in columns.items()
        }

    def __bool__(self) -> bool:
        return any(self.rows.values()) or any(self.alterations.values())


def as_json(record: Record) -> str:
    """The record as the text of a column."""
    text = encode(record)
    if _ESCAPED_NUL in text:
        return json.dumps(_without_nul(json.loads(text)), ensure_ascii=False)
    return text.decode()


def list_as_json(values: tuple[Any, ...]) -> str:
    """Names, or records, as the text of a column."""
    plain = [json.loads(as_json(value)) if isinstance(value, Record) else value for value in values]
    return json.dumps(_without_nul(plain), ensure_ascii=False)


def _key_of(table: Table) -> str:
    return str(next(iter(table.primary_key.columns)).name)


def _is_too_long(key: str | None) -> bool:
    return key is not None and len(key) * 4 > MAX_KEY_BYTES and len(key.encode()) > MAX_KEY_BYTES


def _drop_nul(row: Row) -> None:
    for name, value in row.items():
        if type(value) is str and _NUL in value:
            row[name] = value.replace(_NUL, _INSTEAD)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_NUL, _INSTEAD)
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(one) for name, one in value.items()}
    return value
