"""The HTTP gateway: takes mentions, and the brand's own posts made elsewhere, into `mentions-raw`.

An answer 202 means that the broker has every post of the request. A request is taken whole or not at all, except
that one answered with 503 may still arrive: send it again, the ids are the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gateway.http import (
    AnswerAlways,
    BodyLimit,
    CallerCheck,
    FieldProblem,
    Refusal,
    RefusedRequest,
    token_digests,
)
from gateway.intake_forms import MAX_POSTS, MentionForm, MentionForms, ReplyForm, ReplyForms
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.ids import conversation_key
from schemas.records import Mention, PublicReply
from streams.broker_probe import answering_cluster
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import MENTIONS_RAW
from streams.writing import WriteFailed, write_outbox

SOURCE: Final = "/tenfour/gateway"
ACKNOWLEDGE_S: Final = 10.0
"""Seconds that the broker has for a request's posts."""
RETRY_AFTER_S: Final = 5
MAX_PROBLEMS: Final = 20
_LOG = logging.getLogger("tenfour.gateway")

Clock = Callable[[], float]
"""Seconds since 1970."""


class Accepted(BaseModel):
    """A post that the broker has."""

    id: str
    conversation: str


class Acceptance(BaseModel):
    """The posts of a request, in its order."""

    accepted: list[Accepted]


class Health(BaseModel):
    status: str


def new_gateway(
    producer: AIOKafkaProducer,
    settings: Settings,
    brands: frozenset[str] | None,
    clock: Clock,
    *,
    on_broken: Callable[[WriteFailed], None] = lambda error: None,
    acknowledge_s: float = ACKNOWLEDGE_S,
) -> FastAPI:
    """The gateway's application. `producer` is started, by `streams.writing.new_producer`.

    `brands` are the policy's; None takes every brand. `on_broken` is called when a write failed in a way that the
    producer doesn't outlive. `acknowledge_s`: seconds for the broker. Raises SettingsError for impossible tokens.
    """
    app = FastAPI(
        title="Tenfour gateway",
        version="1",
        description=__doc__ or "",
        redoc_url=None,
        exception_handlers={RequestValidationError: _refuse_invalid, HTTPException: _refuse_http},
    )
    intake = Intake(producer, settings.partitions, clock, acknowledge_s, on_broken)
    _add_intake(app, intake, brands)
    _add_probes(app, settings.bootstrap)
    app.add_middleware(BodyLimit, settings.gateway_max_bytes)
    app.add_middleware(CallerCheck, token_digests(settings.gateway_tokens))
    app.add_middleware(AnswerAlways)
    return app


class Intake:
    """Writes posts into the log and waits until they are there."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        partitions: int,
        clock: Clock,
        acknowledge_s: float,
        on_broken: Callable[[WriteFailed], None],
    ) -> None:
        self._producer, self._partitions, self._clock = producer, partitions, clock
        self._acknowledge_s, self._on_broken = acknowledge_s, on_broken

    async def take(self, forms: Sequence[MentionForm | ReplyForm]) -> Acceptance:
        """Raises RefusedRequest where the broker does not acknowledge."""
        now = self._clock()
        received_at = datetime.fromtimestamp(now, UTC)
        outbox, accepted = Outbox(), []
        for form in forms:
            record = form.record(received_at)
            key = conversation_key(record.brand, record.channel, record.thread)
            self._add(outbox, key.encode(), record, int(now * 1000))
            accepted.append(Accepted(id=record.id, conversation=key))
        await self._write(outbox, len(accepted))
        return Acceptance(accepted=accepted)

    def _add(self, outbox: Outbox, key: bytes, record: Mention | PublicReply, timestamp: int) -> None:
        group = outbox.to(MENTIONS_RAW.name, partition_of(key, self._partitions))
        group.append(OutgoingRecord(key, encode(record), headers_of(record, SOURCE), timestamp))

    async def _write(self, outbox: Outbox, count: int) -> None:
        try:
            async with asyncio.timeout(self._acknowledge_s):
                await write_outbox(self._producer, outbox)
        except TimeoutError:
            _LOG.warning("the broker did not acknowledge %d posts within %s s", count, self._acknowledge_s)
            raise _not_taken() from None
        except WriteFailed as error:
            _LOG.warning("the broker refused %d posts: %s", count, error)
            if not (isinstance(error.__cause__, KafkaError) and error.__cause__.retriable):
                self._on_broken(error)
            raise _not_taken() from None


def _not_taken() -> RefusedRequest:
    return RefusedRequest(
        503, "the broker did not take the posts; send them again", headers={"Retry-After": str(RETRY_AFTER_S)}
    )


def _add_intake(app: FastAPI, intake: Intake, brands: frozenset[str] | None) -> None:
    route: dict[str, Any] = {
        "status_code": 202,
        "tags": ["intake"],
        "dependencies": [
            Depends(HTTPBearer(auto_error=False, description="Needed where tokens are configured."))
        ],
        "responses": {
            401: {"model": Refusal, "description": "No token, or one that may not send."},
            403: {
                "model": Refusal,
                "description": "No tokens are configured, and the caller is not on this machine.",
            },
            408: {"model": Refusal, "description": "The body did not arrive in time."},
            413: {"model": Refusal, "description": "The body is too large: send fewer posts in one request."},
            422: {
                "model": Refusal,
                "description": "Fields that are wrong, and what to do. Nothing was taken.",
            },
            503: {"model": Refusal, "description": "The broker did not acknowledge in time: send it again."},
        },
    }

    @app.post("/v1/mentions", summary=f"Take one mention, or up to {MAX_POSTS}", **route)
    async def take_mentions(mentions: MentionForms) -> Acceptance:
        return await intake.take(_of_known_brands(mentions, brands))

    @app.post(
        "/v1/replies",
        summary=f"Take one reply that the brand posted elsewhere, or up to {MAX_POSTS}",
        **route,
    )
    async def take_replies(replies: ReplyForms) -> Acceptance:
        return await intake.take(_of_known_brands(replies, brands))


def _add_probes(app: FastAPI, bootstrap: str) -> None:
    @app.get("/healthz", tags=["probes"], summary="The process serves")
    async def healthz() -> Health:
        return Health(status="ok")

    @app.get(
        "/readyz",
        tags=["probes"],
        summary="The broker answers",
        responses={503: {"model": Refusal, "description": "No broker answers."}},
    )
    async def readyz() -> Health:
        if not await _broker_answers(bootstrap):
            raise RefusedRequest(503, "no broker answers", headers={"Retry-After": str(RETRY_AFTER_S)})
        return Health(status="ready")


async def _broker_answers(bootstrap: str) -> bool:
    for address in bootstrap.split(","):
        if await asyncio.to_thread(answering_cluster, address.strip()) is not None:
            return True
    return False


Forms = MentionForm | ReplyForm


def _of_known_brands(
    given: Forms | list[MentionForm] | list[ReplyForm], brands: frozenset[str] | None
) -> Sequence[Forms]:
    """The posts as a list. Raises RefusedRequest for a brand that the policy doesn't name."""
    forms: Sequence[Forms] = given if isinstance(given, list) else [given]
    if brands is None:
        return forms
    prefixes = [f"{number}." for number in range(len(forms))] if isinstance(given, list) else [""]
    problem = "is none of the policy's brands; correct it, or add it to the policy"
    unknown = [
        FieldProblem(field=f"{prefix}brand", problem=problem)
        for prefix, form in zip(prefixes, forms, strict=True)
        if form.brand not in brands
    ]
    if unknown:
        raise RefusedRequest(422, "nothing was taken: fields are wrong", unknown[:MAX_PROBLEMS])
    return forms


async def _refuse_invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    found = [_field_problem(item) for item in error.errors()[:MAX_PROBLEMS]]
    return RefusedRequest(422, "nothing was taken: fields are wrong", found).response()


async def _refuse_http(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    status = 422 if error.status_code == 400 else error.status_code
    return RefusedRequest(status, str(error.detail), headers=dict(error.headers or {})).response()


def _field_problem(item: dict[str, Any]) -> FieldProblem:
    path = [_shown(part) for part in item["loc"][1:] if part not in ("one", "many")]
    if item["type"] == "json_invalid":
        return FieldProblem(
            field="body", problem=f"is not JSON: {item['ctx']['error']} at character {item['loc'][1]}"
        )
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
    return str(part).encode("ascii", "backslashreplace").decode()[:64]
