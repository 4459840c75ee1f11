"""How the API's routes are described: what they need, and what they answer when nothing is done."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Depends
from fastapi.security import HTTPBearer

from streams.http_refusals import Refusal

NOTHING_DONE: Final = "nothing was done: something in the request is wrong"
TOKEN: Final = HTTPBearer(auto_error=False, description="Made by `tenfour tokens create`.")
"""For the description alone: the check stands in front of the routes."""
_MEANINGS: Final = {
    401: "No token, or one that lets nobody in.",
    403: "The person has left, or has no role that the policy knows, or one that may not do this.",
    404: "There is no such thing, or it is not known here yet.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    422: "Something in the request is wrong: what, and what to do. Nothing was done.",
    429: "Too many requests with this token: wait for Retry-After seconds.",
    503: "What is needed does not answer: send it again after Retry-After seconds.",
}
_ALWAYS: Final = (401, 403, 408, 413, 429, 503)
"""What any request may be answered."""


def described(tag: str, *statuses: int) -> dict[str, Any]:
    """For a route that needs a token: `statuses` are its own, beside those of every route."""
    refusals = {
        status: {"model": Refusal, "description": _MEANINGS[status]} for status in sorted({*_ALWAYS, *statuses})
    }
    return {"tags": [tag], "dependencies": [Depends(TOKEN)], "responses": refusals}
