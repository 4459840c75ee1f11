"""What the HTTP gateway answers when it takes nothing: always in one shape, and never with the content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from gateway.intake_forms import MentionForm

MAX_PROBLEMS: Final = 20
MAX_FIELD_CHARACTERS: Final = 64
NOTHING_TAKEN: Final = "nothing was taken: fields are wrong"


class FieldProblem(BaseModel):
    """One field that was refused. `field` is its path, such as `posted_at`, or `3.posted_at` in a list."""

    field: str
    problem: str = Field(description="What is wrong, and what to do. Never quotes the content.")


class Refusal(BaseModel):
    """The body of every answer that is no success."""

    error: str
    fields: list[FieldProblem] = []


class RefusedRequest(Exception):
    """Ends a request with this answer."""

    def __init__(
        self,
        status: int,
        error: str,
        fields: list[FieldProblem] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status, self.headers = status, headers
        self.refusal = Refusal(error=error, fields=fields or [])

    def response(self) -> JSONResponse:
        return JSONResponse(self.refusal.model_dump(), self.status, self.headers)


async def refuse_invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    found = [_field_problem(item) for item in error.errors()[:MAX_PROBLEMS]]
    return RefusedRequest(422, NOTHING_TAKEN, found).response()


async def refuse_http(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    status = 422 if error.status_code == 400 else error.status_code
    return RefusedRequest(status, str(error.detail), headers=dict(error.headers or {})).response()


def _field_problem(item: dict[str, Any]) -> FieldProblem:
    path = [_shown(part) for part in item["loc"][1:] if part not in ("one", "many")]
    if item["type"] == "json_invalid":
        return FieldProblem(field="body", problem=f"is not JSON: {item['ctx']['error']} at character {item['loc'][1]}")
    return FieldProblem(field=".".join(path) or "body", problem=_problem(item, path))


def _problem(item: dict[str, Any], path: Sequence[str]) -> str:
    match item["type"]:
        case "missing":
            return "is missing; give it"
        case "extra_forbidden":
            return f"is unknown; leave it out, fields are {', '.join(MentionForm.model_fields)}"
        case "timezone_aware":
            return "has no offset; append one, such as Z or +02:00"
        case "model_attributes_type":
            return (
                "is no JSON object; send one, or a list of them, with Content-Type: application/json"
                if not path
                else "is no JSON object"
            )
        case "string_unicode":
            return "is no valid Unicode: half a surrogate pair; send the whole character or remove it"
        case "string_pattern_mismatch":
            return "is no link; write it like https://example.com/post/1"
        case "value_error":
            return str(item["ctx"]["error"])
    return str(item["msg"])


def _shown(part: object) -> str:
    """A part of a path; the caller may have chosen it."""
    return str(part)[:MAX_FIELD_CHARACTERS]
