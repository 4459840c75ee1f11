"""What an HTTP server answers when it does nothing: always in one shape, and never with the content."""

from __future__ import annotations

from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

MAX_PROBLEMS: Final = 20
MAX_FIELD_CHARACTERS: Final = 64
CODES: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    422: "bad_input",
    429: "too_many",
    500: "failed",
    503: "unavailable",
}
"""By status, where nothing says it better."""

Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


class FieldProblem(BaseModel):
    """One field that was refused. `field` is its path, such as `posted_at`, or `3.posted_at` in a list."""

    field: str
    problem: str = Field(description="What is wrong, and what to do. Never quotes the content.")


class Refusal(BaseModel):
    """The body of every answer that is no success."""

    code: str = Field(description="For programs.")
    error: str = Field(description="For people.")
    fields: list[FieldProblem] = []


class RefusedRequest(Exception):
    """Ends a request with this answer."""

    def __init__(
        self,
        status: int,
        error: str,
        fields: list[FieldProblem] | None = None,
        headers: dict[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(error)
        self.status, self.headers = status, headers
        self.refusal = Refusal(code=code or CODES.get(status, "refused"), error=error, fields=fields or [])

    def response(self) -> JSONResponse:
        return JSONResponse(self.refusal.model_dump(), self.status, self.headers)


def unavailable(error: str, retry_after_s: int) -> RefusedRequest:
    """What is needed is away: the same request may do later."""
    return RefusedRequest(503, error, headers={"Retry-After": str(retry_after_s)})


def invalid_handler(
    told: str, *, tags: Container[str] = (), problems: Mapping[str, str] = MappingProxyType({})
) -> Handler:
    """Answers fields that are wrong with 422 and the text `told`.

    `tags` name the kinds of a body and are no part of a path; `problems` are texts for pydantic's kinds of error, where
    one can be more helpful than here.
    """

    async def refuse_invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
        assert isinstance(error, RequestValidationError)
        found = [_field_problem(item, tags, problems) for item in error.errors()[:MAX_PROBLEMS]]
        return RefusedRequest(422, told, found).response()

    return refuse_invalid


async def refuse_http(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    status = 422 if error.status_code == 400 else error.status_code
    return RefusedRequest(status, str(error.detail), headers=dict(error.headers or {})).response()


async def refuse_refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RefusedRequest)
    return error.response()


def _field_problem(item: dict[str, Any], tags: Container[str], problems: Mapping[str, str]) -> FieldProblem:
    place, *parts = item["loc"]
    path = [_shown(part) for part in parts if place != "body" or part not in tags]
    if item["type"] == "json_invalid":
        return FieldProblem(field="body", problem=f"is not JSON: {item['ctx']['error']} at character {item['loc'][1]}")
    problem = problems.get(item["type"]) or _problem(item, path)
    return FieldProblem(field=".".join(path) or "body", problem=problem)


def _problem(item: dict[str, Any], path: Sequence[str]) -> str:
    match item["type"]:
        case "missing":
            return "is missing; give it"
        case "extra_forbidden":
            return "is unknown; leave it out"
        case "timezone_aware":
            return "has no offset; append one, such as Z or +02:00"
        case "model_attributes_type" | "dict_type":
            return "is no JSON object" if path else "is no JSON object; send one with Content-Type: application/json"
        case "union_tag_invalid":  # its own message quotes what was sent
            return f"has an unknown {item['ctx']['discriminator']}; known are {item['ctx']['expected_tags']}"
        case "union_tag_not_found":
            return f"has no {item['ctx']['discriminator']}, which says what it is; give it"
        case "string_unicode":
            return "is no valid Unicode: half a surrogate pair; send the whole character or remove it"
        case "value_error":
            return str(item["ctx"]["error"])
    return str(item["msg"])


def _shown(part: object) -> str:
    """A part of a path; the caller may have chosen it."""
    return str(part)[:MAX_FIELD_CHARACTERS]
