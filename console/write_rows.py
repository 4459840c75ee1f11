"""A batch of the log into the database: its rows, and how far the log is in them, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    JSON,
    BindParameter,
    Cast,
    Column,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert, Update

from console.column_rules import FROM_THE_LOG, rule_of
from console.database import is_postgresql
from console.derive_columns import derive
from console.row_changes import Changes
from console.tables import CONVERSATIONS, INCIDENTS, READ_TO

Partition = tuple[str, int]
"""Topic and number."""


class Move(NamedTuple):
    """From the offset up to which a partition was in the rows to the one up to which it is then."""

    before: int
    after: int


class Overtaken(RuntimeError):
    """Another process has written what follows of a partition: the batch is not for this one to write."""


def positions(connection: Connection, partitions: Collection[Partition]) -> dict[Partition, int]:
    """Up to where each partition is in the rows: the first offset that is not."""
    found = all_positions(connection)
    missing = [
        {"topic": topic, "partition": number, "next_offset": 0}
        for topic, number in sorted(partitions)
        if (topic, number) not in found
    ]
    if missing:
        connection.execute(_insert(connection, READ_TO).on_conflict_do_nothing(), missing)
    return {partition: found.get(partition, 0) for partition in partitions}


def all_positions(connection: Connection) -> dict[Partition, int]:
    """The same of every partition that was ever read; reads only."""
    return {(row.topic, row.partition): row.next_offset for row in connection.execute(select(READ_TO))}


def write_batch(connection: Connection, changes: Changes, moves: Mapping[Partition, Move]) -> None:
    """Call it in a transaction of its own. Raises Overtaken; nothing may be committed then."""
    _move_on(connection, moves)
    write_changes(connection, changes)


def write_changes(connection: Connection, changes: Changes) -> None:
    """The rows alone. In the order of their keys, so that two writers never wait for each other."""
    for table in FROM_THE_LOG:
        rows = changes.rows[table]
        if rows:
            connection.execute(_upsert(table, is_postgresql(connection)), [rows[key] for key in sorted(rows)])
        altered = changes.alterations[table]
        if altered:
            entries = [{"key": key, **_prefixed(altered[key])} for key in sorted(altered)]
            connection.execute(_alteration(table, tuple(next(iter(altered.values())))), entries)
    derive(connection, changes)


def _move_on(connection: Connection, moves: Mapping[Partition, Move]) -> None:
    """All topics' partitions of the same number are locked, since they tell of the same conversations: whoever loses
    one of them a moment ago, and has not noticed, comes before or after, and not between."""
    if is_postgresql(connection):
        numbers = {number for _, number in moves}
        locked = select(READ_TO.c.topic).where(READ_TO.c.partition.in_(numbers))
        connection.execute(locked.order_by(READ_TO.c.partition, READ_TO.c.topic).with_for_update())
    for (topic, number), move in sorted(moves.items()):
        moved = connection.execute(
            _MOVE, {"of_topic": topic, "of_partition": number, "before": move.before, "after": move.after}
        )
        if moved.rowcount != 1:
            raise Overtaken(f"{topic}-{number} is no longer at {move.before}")


_MOVE: Final = (
    update(READ_TO)
    .where(READ_TO.c.topic == bindparam("of_topic"))
    .where(READ_TO.c.partition == bindparam("of_partition"))
    .where(READ_TO.c.next_offset == bindparam("before"))
    .values(next_offset=bindparam("after"))
)


@cache
def _upsert(table: Table, in_postgresql: bool) -> Insert:
    """Inserts a row; of one that is there, each column becomes what its rule says."""
    derived = _DERIVED.get(table, ())
    columns = [column for column in table.columns if column.name not in derived]
    values = {column.name: _parameter(column, in_postgresql) for column in columns}
    statement = (postgresql.insert if in_postgresql else sqlite.insert)(table).values(values)
    keys = list(table.primary_key.columns)
    changed = {
        column.name: rule.in_sql(column, statement.excluded[column.name])
        for column in columns
        if not column.primary_key and (rule := rule_of(table, column.name)).in_sql is not None
    }
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


@cache
def _alteration(table: Table, columns: Sequence[str]) -> Update:
    """Some columns of a row, by the same rules."""
    (key,) = table.primary_key.columns
    changed = {}
    for name in columns:
        rule, parameter = rule_of(table, name), bindparam(f"new_{name}", type_=table.c[name].type)
        if rule.in_sql is not None:
            changed[name] = rule.in_sql(table.c[name], parameter)
    return update(table).where(key == bindparam("key")).values(changed)


def _prefixed(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters must not be called as columns are."""
    return {f"new_{name}": value for name, value in columns.items()}


def _parameter(column: Column[Any], in_postgresql: bool) -> BindParameter[Any] | Cast[Any]:
    """JSON comes as text, which is what SQLite keeps."""
    if not isinstance(column.type, JSON):
        return bindparam(column.name, type_=column.type)
    text = bindparam(column.name, type_=Text())
    return cast(text, postgresql.JSONB()) if in_postgresql else text


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if is_postgresql(connection) else sqlite.insert(table)


_DERIVED: Final[Mapping[Table, Collection[str]]] = {
    CONVERSATIONS: ("due_at", "breaches"),
    INCIDENTS: ("statement", "text", "stated_by"),
}
"""Columns that follow from other rows; see `console/derive_columns.py`."""
