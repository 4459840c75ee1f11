"""How long a body may take, and what is answered when nothing is done."""

import asyncio
import logging

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from pydantic import TypeAdapter
from starlette.types import Message, Receive, Scope, Send

from streams.http_edge import AnswerAlways, BodyLimit

REQUESTS = Counter("requests", "Requests by status.", ["status"], registry=CollectorRegistry())
LOG = logging.getLogger("tenfour.edge")


async def test_a_body_that_does_not_arrive_is_answered_408() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the body was not complete")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    app = AnswerAlways(BodyLimit(answers, max_bytes=10, timeout_s=0.05), REQUESTS, LOG)
    await app({"type": "http", "method": "POST", "path": "/v1/mentions", "headers": []}, never, send)
    assert sent[0]["status"] == 408


async def test_a_failure_of_the_server_is_answered_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        TypeAdapter(int).validate_python("my secret")

    transport = httpx.ASGITransport(AnswerAlways(fails, REQUESTS, LOG))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/v1/mentions")
    assert answer.status_code == 500
    assert "ValidationError" in caplog.text
    assert "secret" not in answer.text + caplog.text
