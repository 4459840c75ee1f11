"""Routes that give commands to the desk, and show what came of all commands."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Body, Depends, FastAPI, Path, Query, Response
from pydantic import AfterValidator, Field
from sqlalchemy import select

from console.callers import Caller
from console.command_answers import Clock, IdempotencyKey, answered, described_with_answers
from console.command_forms import EXAMPLES, CommandForm
from console.commanding import Commanding, command_state, new_command
from console.described import described
from console.pages import PAIR, Order, Paged, as_asked, page
from console.rights import caller_of
from console.routes_conversations import KeyInPath
from console.sql_threads import Database
from console.tables import COMMANDS
from console.views import CommandState, CommandView, Page
from domain.instants import to_ms
from schemas.desk_events import DeskAnswer
from schemas.record_fields import MAX_NAME_CHARACTERS, ConversationKey, Instant, PlainName, without_nul
from streams.http_refusals import RefusedRequest

_REFUSED: Final = "Refused: `code` and `reason` say why, `fence` what stands now."
_NEWEST: Final = Order("commands", (COMMANDS.c.at, COMMANDS.c.id), PAIR, descending=True)


class CommandsAsked(Paged):
    """Which commands, the last first."""

    by: PlainName | None = Field(None, description="A person, or a program under its own name.")
    conversation: Annotated[ConversationKey, AfterValidator(without_nul)] | None = None
    since: Instant | None = Field(None, description="Answered then or later, in log time.")
    accepted: bool | None = None


def add_command_routes(app: FastAPI, database: Database, commanding: Commanding, clock: Clock) -> None:
    @app.post(
        "/v1/conversations/{key}/commands",
        summary="Gives the desk a command",
        description="Waits for the desk's answer, which is committed to the log before it is told here. "
        "docs/desk.md says what each `do` does, and what to do about each `code`.",
        response_model=DeskAnswer,
        response_description="Accepted, or held for approval: see `code`.",
        **described_with_answers("commands", DeskAnswer, _REFUSED),
    )
    async def give_command(
        key: KeyInPath,
        form: Annotated[CommandForm, Body(openapi_examples=EXAMPLES)],
        idempotency_key: IdempotencyKey,
        caller: Annotated[Caller, Depends(caller_of)],
    ) -> Response:
        began = clock()
        command = new_command(caller.person, key, idempotency_key, form.root, int(began * 1000))
        return await answered(commanding, caller, command, began, clock)

    @app.get("/v1/commands", summary="Lists the commands that were answered", **described("commands", 422))
    async def list_commands(asked: Annotated[CommandsAsked, Query()]) -> Page[CommandView]:
        query = as_asked(select(*CommandView.columns(COMMANDS)), asked, "by", "conversation", "accepted")
        if asked.since is not None:
            query = query.where(COMMANDS.c.at >= to_ms(asked.since))
        rows, after = await database.run(lambda connection: page(connection, query, _NEWEST, asked))
        return Page(items=[CommandView.of(row) for row in rows], next=after)

    @app.get("/v1/commands/{id}", summary="Says what has become of a command", **described("commands", 404, 422))
    async def show_command(
        id_: Annotated[str, Path(alias="id", max_length=MAX_NAME_CHARACTERS), AfterValidator(without_nul)],
    ) -> CommandState:
        found = await database.run(lambda connection: command_state(connection, id_))
        if found is None:
            raise RefusedRequest(404, "no such command is known here", code="unknown_command")
        return found
