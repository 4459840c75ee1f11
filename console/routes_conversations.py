"""Routes that show conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Depends, FastAPI, Path, Query
from pydantic import AfterValidator
from sqlalchemy import ColumnElement, Connection, Table, select

from console.callers import Caller
from console.conversation_lists import ConversationsAsked, conversations
from console.described import described
from console.rights import caller_of
from console.sql_threads import Database
from console.tables import CONVERSATIONS, ESCALATIONS, POSTS, REPLIES, TIMERS, TRAIL
from console.views import (
    ConversationDetail,
    ConversationView,
    EscalationView,
    Latest,
    Page,
    PostView,
    ReplyView,
    TimerView,
    TrailView,
    View,
)
from schemas.ids import conversation_key, conversation_parts
from schemas.record_fields import MAX_KEY_CHARACTERS
from streams.http_refusals import RefusedRequest

MAX_LATEST: Final = 200
"""Of a conversation's posts, timers, replies, escalations and events; of an incident's members and events."""
V = TypeVar("V", bound=View)


def _a_key(key: str) -> str:
    try:
        if key == conversation_key(*conversation_parts(key)):
            return key
    except ValueError:
        pass
    raise ValueError(
        "is no conversation key; take it as it is, brand:channel:thread, and percent-encode it for the path"
    )


KeyInPath = Annotated[
    str,
    Path(
        max_length=MAX_KEY_CHARACTERS,
        description="The conversation's key, percent-encoded as every part of a path: `AT%26T:x:1` is written "
        "`AT%2526T:x:1`.",
        examples=["Delta:twitter:991"],
    ),
    AfterValidator(_a_key),
]


def add_conversation_routes(app: FastAPI, database: Database) -> None:
    @app.get("/v1/conversations", summary="Lists conversations", **described("conversations", 422))
    async def list_conversations(
        asked: Annotated[ConversationsAsked, Query()], caller: Annotated[Caller, Depends(caller_of)]
    ) -> Page[ConversationView]:
        rows, after = await database.run(lambda connection: conversations(connection, asked, caller.person))
        return Page(items=[ConversationView.of(row) for row in rows], next=after)

    @app.get(
        "/v1/conversations/{key}",
        summary="Shows a conversation with all that belongs to it",
        **described("conversations", 404, 422),
    )
    async def show_conversation(key: KeyInPath) -> ConversationDetail:
        found = await database.run(lambda connection: _detail(connection, key))
        if found is None:
            raise RefusedRequest(404, "no such conversation is known here, or not yet", code="unknown_conversation")
        return found


def _detail(connection: Connection, key: str) -> ConversationDetail | None:
    query = select(*ConversationView.columns(CONVERSATIONS)).where(CONVERSATIONS.c.conversation == key)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None

    def its(kind: type[V], table: Table, *order: str) -> Latest[V]:
        return latest(connection, kind, table, [table.c.conversation == key], *order)

    return ConversationDetail(
        conversation=ConversationView.of(row),
        posts=its(PostView, POSTS, "posted_at", "id"),
        timers=its(TimerView, TIMERS, "started_at", "id"),
        replies=its(ReplyView, REPLIES, "written_at", "id"),
        escalations=its(EscalationView, ESCALATIONS, "started_at", "id"),
        trail=its(TrailView, TRAIL, "at", "sequence", "id"),
    )


def latest(
    connection: Connection, kind: type[V], table: Table, where: Sequence[ColumnElement[bool]], *order: str
) -> Latest[V]:
    """The last rows of those, in the order of the columns."""
    newest_first = [table.c[name].desc() for name in order]
    query = select(*kind.columns(table)).where(*where).order_by(*newest_first).limit(MAX_LATEST + 1)
    return Latest.of([kind.of(row) for row in connection.execute(query).mappings()], MAX_LATEST)
