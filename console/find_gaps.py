"""Completeness: mentions that were taken in and have neither an owner nor an end."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from console.tables import POSTS

OLD_ENOUGH_S: Final = 60.0
"""Seconds after its intake that a mention may be on its way."""


class Gap(NamedTuple):
    """`state`: how far it came. `received_at`: milliseconds since 1970."""

    mention: str
    conversation: str
    state: str
    received_at: int


def gaps(connection: Connection, received_before: int) -> list[Gap]:
    """Oldest first. `received_before`: milliseconds since 1970."""
    columns = (POSTS.c.id, POSTS.c.conversation, POSTS.c.state, POSTS.c.received_at)
    query = select(*columns).where(*_unsettled(received_before)).order_by(POSTS.c.received_at, POSTS.c.id)
    return [Gap(*row) for row in connection.execute(query)]


def count_gaps(connection: Connection, received_before: int) -> int:
    return connection.execute(select(func.count()).select_from(POSTS).where(*_unsettled(received_before))).scalar_one()


def _unsettled(received_before: int) -> tuple[ColumnElement[bool], ...]:
    """Replies are settled from the start."""
    return ~POSTS.c.settled, POSTS.c.received_at < received_before
