"""The HTTP gateway: takes mentions, and the brand's own posts made elsewhere, into `mentions-raw`.

202 means that the broker has every post of the request. A request with a wrong field is refused whole. After
503 some of its posts may arrive all the same: send it again, the ids will be the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gateway.http import AnswerAlways, BodyLimit, CallerCheck, token_digests
from gateway.intake_forms import MAX_POSTS, MentionForm, MentionForms, ReplyForm, ReplyForms
from gateway.refusals import (
    MAX_PROBLEMS,
    NOTHING_TAKEN,
    FieldProblem,
    Refusal,
    RefusedRequest,
    refuse_http,
    refuse_invalid,
)
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
"""Seconds that the broker has for the posts of a request."""
RETRY_AFTER_S: Final = 5
_LOG = logging.getLogger("tenfour.gateway")

Clock = Callable[[], float]
"""Seconds since 1970."""
OnBroken = Callable[[WriteFailed], None]
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
        exception_handlers={RequestValidationError: refuse_invalid, HTTPException: refuse_http},
    )
    _add_intake(app, Intake(producer, settings.partitions, clock, on_broken, acknowledge_s), brands)
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
        on_broken: OnBroken | None,
        acknowledge_s: float,
    ) -> None:
        self._producer, self._partitions, self._clock = producer, partitions, clock
        self._on_broken, self._acknowledge_s = on_broken, acknowledge_s

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
            _LOG.warning("posts that the broker did not acknowledge within %g s: %d", self._acknowledge_s, count)
            raise _unavailable("the broker did not acknowledge in time; send the posts again") from None
        except WriteFailed as error:
            _LOG.warning("posts that the broker did not take: %d; %s", count, error)
            if self._on_broken is not None and not _passes(error):
                self._on_broken(error)
            raise _unavailable("the broker did not take the posts; send them again") from None


def _passes(error: WriteFailed) -> bool:
    return isinstance(error.__cause__, KafkaError) and bool(error.__cause__.retriable)


def _unavailable(error: str) -> RefusedRequest:
    return RefusedRequest(503, error, headers={"Retry-After": str(RETRY_AFTER_S)})


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
        if not await _broker_answers(bootstrap):
            raise _unavailable("no broker answers")
        return Health(status="ready")


async def _broker_answers(bootstrap: str) -> bool:
    for address in bootstrap.split(","):
        if await asyncio.to_thread(answering_cluster, address.strip()) is not None:
            return True
    return False


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
