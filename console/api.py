"""The desk's HTTP API: what the read model shows, and commands, each answered by the desk itself.

Every path below `/v1/` needs a token: `tenfour tokens create --person ID --label TEXT` makes one. Lists come in pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.callers import GUARDED, CallerCheck
from console.command_forms import NAMES
from console.commanding import Commanding
from console.described import NOTHING_DONE
from console.rights import require_right
from console.routes_commands import add_command_routes
from console.routes_conversations import add_conversation_routes
from console.routes_desk import add_desk_routes
from console.routes_incidents import add_incident_routes
from console.sql_threads import RETRY_AFTER_S, Database, is_there
from domain.desk_rules import Role
from streams.broker_probe import broker_answers
from streams.http_edge import AnswerAlways, BodyLimit
from streams.http_refusals import (
    Refusal,
    RefusedRequest,
    invalid_handler,
    refuse_http,
    refuse_refused,
    unavailable,
)
from streams.metrics import CONSOLE_REQUESTS
from streams.settings import Settings

MAX_BODY_BYTES: Final = 1_500_000
"""The longest text with every character escaped, and the rest of a command."""
SECURITY_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_LOG = logging.getLogger("tenfour.console")


class Health(BaseModel):
    status: str


@dataclass(frozen=True)
class Times:
    """`clock`: seconds since 1970. `monotonic`: seconds that never go back."""

    clock: Callable[[], float]
    monotonic: Callable[[], float]


def new_console(
    database: Database, commanding: Commanding, roles: Mapping[str, Role], settings: Settings, times: Times
) -> FastAPI:
    """The API's application. `roles` are the policy's."""
    app = FastAPI(
        title="Tenfour desk",
        version="1",
        description=__doc__ or "",
        redoc_url=None,
        dependencies=[Depends(require_right)],
        exception_handlers={
            RequestValidationError: invalid_handler(NOTHING_DONE, tags=NAMES),
            HTTPException: refuse_http,
            RefusedRequest: refuse_refused,
        },
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(AnswerAlways, CONSOLE_REQUESTS, _LOG),
            Middleware(CallerCheck, database, roles, times.monotonic, settings.console_rate, settings.console_burst),
            Middleware(BodyLimit, MAX_BODY_BYTES),
        ],
    )
    _add_probes(app, database, settings.bootstrap)
    add_conversation_routes(app, database)
    add_command_routes(app, database, commanding, times.clock)
    add_incident_routes(app, database, commanding, times.clock)
    add_desk_routes(app, database, times.clock)
    return app


class SecurityHeaders:
    """Tells browsers to keep, frame and load nothing of an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        guarded = scope["type"] == "http" and scope["path"].startswith(GUARDED)
        await self._app(scope, receive, headed if guarded else send)


def _add_probes(app: FastAPI, database: Database, bootstrap: str) -> None:
    gone: dict[int | str, dict[str, Any]] = {503: {"model": Refusal, "description": "Broker or database don't answer."}}

    @app.get("/healthz", tags=["probes"], summary="Whether the process serves")
    async def healthz() -> Health:
        return Health(status="ok")

    @app.get("/readyz", tags=["probes"], summary="Whether broker and database answer", responses=gone)
    async def readyz() -> Health:
        await database.run(is_there)
        if not await broker_answers(bootstrap):
            raise unavailable("no broker answers", RETRY_AFTER_S)
        return Health(status="ready")
