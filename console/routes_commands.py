"""Routes that give commands to the desk, and show what came of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Body, Depends, FastAPI, Header, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, Field
from sqlalchemy import select

from console.callers import Caller
from console.command_forms import EXAMPLES, CommandForm
from console.commanding import ANSWER_S, Commanding, command_state, new_command
from console.described import described
from console.pages import PAIR, Order, Paged, page
from console.rights import caller_of
from console.routes_conversations import KeyInPath
from console.sql_threads import Database
from console.tables import COMMANDS
from console.views import CommandState, CommandView, Page
from domain.instants import to_ms
from schemas.desk_events import DeskAnswer
from schemas.desk_records import DeskCommand
from schemas.record_fields import MAX_NAME_CHARACTERS, ConversationKey, Instant, PlainName, without_nul
from streams.http_refusals import RefusedRequest
from streams.metrics import CONSOLE_COMMAND_SECONDS

Clock = Callable[[], float]
"""Seconds since 1970."""
STATUSES: Final = {"unknown_conversation": 404, "unknown_person": 403, "unknown_role": 403, "not_allowed": 403}
"""Of the desk's codes; any other that refuses is 409."""
_NEWEST: Final = Order("commands", (COMMANDS.c.at, COMMANDS.c.id), PAIR, descending=True)
_LOG = logging.getLogger("tenfour.console.commands")

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern="^[!-~]{1,128}$",
        description="The caller's own name for this command, such as a UUID: the same again is a repeat, which gets "
        "the same answer and does nothing twice.",
        examples=["8f14e45f-ceea-467f-ab6e-3f2b6c1f8a10"],
    ),
]


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
        **_described_with_answers(),
    )
    async def give_command(
        key: KeyInPath,
        form: Annotated[CommandForm, Body(openapi_examples=EXAMPLES)],
        idempotency_key: IdempotencyKey,
        caller: Annotated[Caller, Depends(caller_of)],
    ) -> Response:
        began, action = clock(), form.root
        command = new_command(caller.person, key, idempotency_key, action, int(began * 1000))
        answer = await commanding.give(command)
        status = 202 if answer is None else status_of(answer)
        CONSOLE_COMMAND_SECONDS.labels(action.do).observe(max(0.0, clock() - began))
        _audit(caller, command, status, answer)
        return _response(command, status, answer)

    @app.get("/v1/commands", summary="Lists the commands that the desk has answered", **described("commands", 422))
    async def list_commands(asked: Annotated[CommandsAsked, Query()]) -> Page[CommandView]:
        columns, query = COMMANDS.c, select(*CommandView.columns(COMMANDS))
        for name in ("by", "conversation", "accepted"):
            if (value := getattr(asked, name)) is not None:
                query = query.where(columns[name] == value)
        if asked.since is not None:
            query = query.where(columns.at >= to_ms(asked.since))
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


def _described_with_answers() -> dict[str, Any]:
    found = described("commands", 404, 422)
    waits = f"Taken, and not answered within {ANSWER_S:g} s: ask for it at Location."
    refused = "Refused: `code` and `reason` say why, `fence` what stands now."
    found["responses"] |= {
        202: {"model": CommandState, "description": waits},
        409: {"model": DeskAnswer, "description": refused},
    }
    return found


def status_of(answer: DeskAnswer) -> int:
    """Of HTTP."""
    return 200 if answer.accepted else STATUSES.get(answer.code, 409)


def _response(command: DeskCommand, status: int, answer: DeskAnswer | None) -> Response:
    if answer is None:
        waiting = CommandState(
            id=command.id, conversation=command.conversation, by=command.by, state="waiting", answer=None
        )
        headers = {"Location": f"/v1/commands/{command.id}"}
        return JSONResponse(waiting.model_dump(mode="json"), status, headers)
    if status in (200, 409):
        return JSONResponse(answer.model_dump(mode="json"), status)
    raise RefusedRequest(status, answer.reason, code=answer.code)


def _audit(caller: Caller, command: DeskCommand, status: int, answer: DeskAnswer | None) -> None:
    """One line of JSON, without anybody's words."""
    line: dict[str, Any] = {
        "command": command.id,
        "by": command.by,
        "token": caller.token,
        "do": command.action.do,
        "conversation": command.conversation,
        "status": status,
        "code": None if answer is None else answer.code,
    }
    _LOG.info("command %s", json.dumps(line))
