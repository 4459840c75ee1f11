"""Who calls the API: the person whose token it is.

Plain ASGI: who may not call is answered before a byte of the body is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from console.rate_limit import Bucket, taken
from console.sql_threads import Database
from console.tokens import Holder, has_tokens, holder_of
from domain.desk_rules import Permission, Role
from streams.http_refusals import RefusedRequest

GUARDED: Final = "/v1/"
"""Paths below this one need a token; probes and the API's description don't."""
MAX_TOKEN_CHARACTERS: Final = 256


@dataclass(frozen=True)
class Caller:
    """A person of the desk, by a token of theirs."""

    token: str
    label: str
    person: str
    name: str
    role: str
    teams: tuple[str, ...]
    may: tuple[Permission, ...]


class CallerCheck:
    """Lets through who holds the token of a person who is active and has a role of the policy, not too often."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        roles: Mapping[str, Role],
        monotonic: Callable[[], float],
        rate: float,
        burst: int,
    ) -> None:
        self._app, self._database, self._roles = app, database, roles
        self._monotonic, self._rate, self._burst = monotonic, rate, burst
        self._buckets: dict[str, Bucket] = {}
        """By token: no more than there are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            token = bearer_token(Headers(scope=scope).get("authorization", ""))
            holder = await self._database.run(lambda connection: _known_holder(connection, token))
            self._limit(holder.token)
            scope.setdefault("state", {})["caller"] = caller(holder, self._roles)
        await self._app(scope, receive, send)

    def _limit(self, token: str) -> None:
        self._buckets[token], wait_s = taken(self._buckets.get(token), self._monotonic(), self._rate, self._burst)
        if wait_s:
            raise RefusedRequest(
                429,
                f"more than {self._rate:g} requests a second, and more than {self._burst} at once; wait",
                headers={"Retry-After": str(math.ceil(wait_s))},
            )


def bearer_token(authorization: str) -> str:
    """The token in the header. Raises RefusedRequest if there is none."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARACTERS:
        raise _unauthorized("send a token, of `tenfour tokens create`: `Authorization: Bearer ...`", "Bearer")
    return token


def caller(holder: Holder, roles: Mapping[str, Role]) -> Caller:
    """Raises RefusedRequest for somebody unknown, who has left, or whose role the policy doesn't have."""
    if holder.name is None or holder.role is None or not holder.active:
        what = "has left" if holder.active is False else "is not known to the desk"
        raise RefusedRequest(403, f"the person whose token this is {what}", code="unknown_person")
    role = roles.get(holder.role)
    if role is None:
        raise RefusedRequest(403, "your role is not in the policy; correct one of them", code="unknown_role")
    return Caller(
        token=holder.token,
        label=holder.label,
        person=holder.person,
        name=holder.name,
        role=holder.role,
        teams=holder.teams,
        may=role.may,
    )


def _known_holder(connection: Connection, token: str) -> Holder:
    holder = holder_of(connection, token)
    if holder is None or holder.revoked:
        if not has_tokens(connection):
            raise _unauthorized("there are no tokens yet; make one with `tenfour tokens create`", "Bearer")
        raise _unauthorized("this token lets nobody in", 'Bearer error="invalid_token"')
    return holder


def _unauthorized(error: str, challenge: str) -> RefusedRequest:
    return RefusedRequest(401, error, headers={"WWW-Authenticate": challenge})
