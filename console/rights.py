"""What one needs for each route of the API. The desk checks each command again, against the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from fastapi import Request

from console.callers import Caller
from streams.http_refusals import RefusedRequest

Right = Literal["anyone", "read", "command"]
"""`read`: somebody with a role. `command`: a role that may do something."""

RIGHTS: Final[Mapping[tuple[str, str], Right]] = {
    ("GET", "/healthz"): "anyone",
    ("GET", "/readyz"): "anyone",
    ("GET", "/docs"): "anyone",
    ("GET", "/docs/oauth2-redirect"): "anyone",
    ("GET", "/openapi.json"): "anyone",
    ("GET", "/v1/me"): "read",
    ("GET", "/v1/conversations"): "read",
    ("GET", "/v1/conversations/{key}"): "read",
    ("GET", "/v1/queues"): "read",
    ("GET", "/v1/timers"): "read",
    ("GET", "/v1/escalations"): "read",
    ("GET", "/v1/incidents"): "read",
    ("GET", "/v1/incidents/{id}"): "read",
    ("GET", "/v1/people"): "read",
    ("GET", "/v1/commands"): "read",
    ("GET", "/v1/commands/{id}"): "read",
    ("POST", "/v1/conversations/{key}/commands"): "command",
    ("POST", "/v1/incidents/{id}/commands"): "command",
}
"""The least that is needed, by method and path. A route that is not here answers nobody."""


def may(caller: Caller, right: Right) -> bool:
    """Whether somebody whose role the policy knows has the right."""
    return right != "command" or bool(caller.may)


def require_right(request: Request) -> None:
    """For every route. Raises RefusedRequest where the caller lacks the right; KeyError for a route without one."""
    right = RIGHTS[request.method, request.scope["route"].path]
    if right != "anyone" and not may(caller_of(request), right):
        raise RefusedRequest(
            403, "your role may read and do nothing else; ask an admin for another", code="not_allowed"
        )


def caller_of(request: Request) -> Caller:
    """Who calls, as the check in front of the routes found it."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller
