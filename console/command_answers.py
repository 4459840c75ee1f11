"""How a route gives a command: what it answers, what its description says, what the process's log has of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Header, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from console.answers import Answer, Command, code_of, status_of, subject_of
from console.callers import Caller
from console.commanding import ANSWER_S, Commanding
from console.described import described
from console.views import CommandState
from streams.http_refusals import RefusedRequest
from streams.metrics import CONSOLE_COMMAND_SECONDS

Clock = Callable[[], float]
"""Seconds since 1970."""
_LOG: Final = logging.getLogger("tenfour.console.commands")

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


async def answered(commanding: Commanding, caller: Caller, command: Command, began: float, clock: Clock) -> Response:
    """Gives the command. `began`: when it was asked for, seconds since 1970. Raises RefusedRequest."""
    answer = await commanding.give(command)
    status = 202 if answer is None else status_of(answer)
    CONSOLE_COMMAND_SECONDS.labels(command.action.do).observe(max(0.0, clock() - began))
    _audit(caller, command, status, answer)
    return _response(command, status, answer)


def described_with_answers(tag: str, kind: type[BaseModel], refused: str) -> dict[str, Any]:
    """For a route that gives commands. `kind`: of the answer; `refused`: what one that refuses says."""
    found = described(tag, 404, 422)
    waits = f"Taken, and not answered within {ANSWER_S:g} s: ask for it at Location."
    found["responses"] |= {
        202: {"model": CommandState, "description": waits},
        409: {"model": kind, "description": refused},
    }
    return found


def _response(command: Command, status: int, answer: Answer | None) -> Response:
    if answer is None:
        waiting = CommandState(
            id=command.id, conversation=subject_of(command), by=command.by, state="waiting", answer=None
        )
        headers = {"Location": f"/v1/commands/{command.id}"}
        return JSONResponse(waiting.model_dump(mode="json"), status, headers)
    if status in (200, 409):
        return JSONResponse(answer.model_dump(mode="json"), status)
    raise RefusedRequest(status, answer.reason or "", code=code_of(answer))


def _audit(caller: Caller, command: Command, status: int, answer: Answer | None) -> None:
    """One line of JSON, without anybody's words."""
    line: dict[str, Any] = {
        "command": command.id,
        "by": command.by,
        "token": caller.token,
        "do": command.action.do,
        "conversation": subject_of(command),
        "status": status,
        "code": None if answer is None else code_of(answer),
    }
    _LOG.info("command %s", json.dumps(line))
