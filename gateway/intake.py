"""The HTTP gateway: takes mentions, and the brand's own posts made elsewhere, into `mentions-raw`.

202 means that the broker has every post of the request. A request with a wrong field is refused whole. After
503 some of its posts may arrive all the same: send it again, the ids will be the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gateway.http import CallerCheck, token_digests
from gateway.intake_forms import MAX_POSTS, MentionForm, MentionForms, ReplyForm, ReplyForms
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.ids import conversation_key
from schemas.records import Mention, PublicReply
from streams.broker_probe import broker_answers
from streams.http_edge import AnswerAlways, BodyLimit
from streams.http_refusals import (
    MAX_PROBLEMS,
    FieldProblem,
    Refusal,
    RefusedRequest,
    invalid_handler,
    refuse_http,
    unavailable,
)
from streams.http_writing import ACKNOWLEDGE_S, RETRY_AFTER_S, AwaitedWrites, OnBroken
from streams.metrics import GATEWAY_REQUESTS
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import MENTIONS_RAW

SOURCE: Final = "/tenfour/gateway"
NOTHING_TAKEN: Final = "nothing was taken: fields are wrong"
_LOG = logging.getLogger("tenfour.gateway")
_PROBLEMS: Final = {
    "extra_forbidden": f"is unknown; leave it out, fields are {', '.join(MentionForm.model_fields)}",
    "string_pattern_mismatch": "is no link; write it like https://example.com/post/1",
}

Clock = Callable[[], float]
"""Seconds since 1970."""
Form = MentionForm | ReplyForm


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
    on_broken: OnBroken | None = None,
    acknowledge_s: float = ACKNOWLEDGE_S,
) -> FastAPI:
    """The gateway's application. `producer` is started, by `streams.writing.new_producer`.

    `brands` are the policy's; None takes every brand. `on_broken` is called where a write failed so that the
    producer is of no more use. Raises SettingsError for tokens that are no digests.
    """
    app = FastAPI(
        title="Tenfour gateway",
        version="1",
        description=__doc__ or "",
        redoc_url=None,
        exception_handlers={
            RequestValidationError: invalid_handler(NOTHING_TAKEN, tags=("one", "many"), problems=_PROBLEMS),
            HTTPException: refuse_http,
        },
    )
    writes = AwaitedWrites(producer, _LOG, on_broken, acknowledge_s)
    _add_intake(app, Intake(writes, settings.partitions, clock), brands)
    _add_probes(app, settings.bootstrap)
    app.add_middleware(BodyLimit, settings.gateway_max_bytes, "send fewer posts in one request")
    app.add_middleware(CallerCheck, token_digests(settings.gateway_tokens))
    app.add_middleware(AnswerAlways, GATEWAY_REQUESTS, _LOG)
    return app


class Intake:
    """Writes posts into the log and waits until they are there."""

    def __init__(self, writes: AwaitedWrites, partitions: int, clock: Clock) -> None:
        self._writes, self._partitions, self._clock = writes, partitions, clock

    async def take(self, forms: Sequence[Form]) -> Acceptance:
        """Raises RefusedRequest where the broker does not acknowledge."""
        now = self._clock()
        received_at = datetime.fromtimestamp(now, UTC)
        outbox, accepted = Outbox(), []
        for form in forms:
            record = form.record(received_at)
            key = conversation_key(record.brand, record.channel, record.thread)
            self._add(outbox, key.encode(), record, int(now * 1000))
            accepted.append(Accepted(id=record.id, conversation=key))
        await self._writes.write(outbox, f"{len(accepted)} posts", "send the posts again")
        return Acceptance(accepted=accepted)

    def _add(self, outbox: Outbox, key: bytes, record: Mention | PublicReply, timestamp: int) -> None:
        group = outbox.to_key(MENTIONS_RAW.name, key, self._partitions)
        group.append(OutgoingRecord(key, encode(record), headers_of(record, SOURCE), timestamp))


def _add_intake(app: FastAPI, intake: Intake, brands: frozenset[str] | None) -> None:
    token = HTTPBearer(auto_error=False, description="Needed where TENFOUR_GATEWAY_TOKENS is set.")
    route: dict[str, Any] = {
        "status_code": 202,
        "tags": ["intake"],
        "dependencies": [Depends(token)],
        "responses": {status: {"model": Refusal, "description": text} for status, text in _REFUSALS.items()},
    }

    @app.post("/v1/mentions", summary=f"Takes a mention, or up to {MAX_POSTS}", **route)
    async def take_mentions(mentions: MentionForms) -> Acceptance:
        return await intake.take(_of_known_brands(mentions, brands))

    @app.post("/v1/replies", summary=f"Takes a reply posted elsewhere, or up to {MAX_POSTS}", **route)
    async def take_replies(replies: ReplyForms) -> Acceptance:
        return await intake.take(_of_known_brands(replies, brands))


_REFUSALS: Final = {
    401: "No token, or one that may not send.",
    403: "No tokens are configured, and the caller is not on this machine.",
    408: "The body did not arrive in time.",
    413: "The body is too large: send fewer posts in one request.",
    422: "Fields are wrong: which, and what to do. Nothing was taken.",
    503: "The broker did not acknowledge in time: send it again after Retry-After seconds.",
}


def _add_probes(app: FastAPI, bootstrap: str) -> None:
    @app.get("/healthz", tags=["probes"], summary="Whether the process serves")
    async def healthz() -> Health:
        return Health(status="ok")

    @app.get(
        "/readyz",
        tags=["probes"],
        summary="Whether the broker answers",
        responses={503: {"model": Refusal, "description": "No broker answers."}},
    )
    async def readyz() -> Health:
        if not await broker_answers(bootstrap):
            raise unavailable("no broker answers", RETRY_AFTER_S)
        return Health(status="ready")


def _of_known_brands(
    given: Form | list[MentionForm] | list[ReplyForm], brands: frozenset[str] | None
) -> Sequence[Form]:
    """The posts as a list. Raises RefusedRequest where the policy doesn't name a brand."""
    forms: Sequence[Form] = given if isinstance(given, list) else [given]
    unknown = [
        FieldProblem(
            field=f"{number}.brand" if isinstance(given, list) else "brand",
            problem="is none of the policy's brands; correct it, or add it to the policy",
        )
        for number, form in enumerate(forms)
        if brands is not None and form.brand not in brands
    ]
    if unknown:
        raise RefusedRequest(422, NOTHING_TAKEN, unknown[:MAX_PROBLEMS])
    return forms
