"""The edge of an HTTP server: how much callers may send, and that each is answered.

Plain ASGI, in front of the routes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from prometheus_client import Counter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.http_refusals import RefusedRequest
from streams.metric_families import Family

BODY_TIMEOUT_S: Final = 30.0
DISCARD_S: Final = 3.0
DISCARD_BYTES: Final = 16 * 1024 * 1024


class AnswerAlways:
    """Outermost: counts every answer, and answers a failure of ours with 500, without its content."""

    def __init__(self, app: ASGIApp, requests: Family[Counter], log: logging.Logger) -> None:
        """`requests` is counted by status."""
        self._app, self._requests, self._log = app, requests, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def counted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._requests.labels(str(message["status"])).inc()
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except RefusedRequest as refused:
            await refused.response()(scope, receive, counted)
        except Exception as error:
            # Not its text: pydantic's errors quote the input, which is personal.
            self._log.error("%s %r failed: %s", scope["method"], scope["path"], type(error).__name__)
            if not started:
                failure = RefusedRequest(500, "the server failed; its log has the kind of error")
                await failure.response()(scope, receive, counted)


class BodyLimit:
    """Reads the whole body before the routes see it: at most `max_bytes`, declared or not, and in time."""

    def __init__(self, app: ASGIApp, max_bytes: int, advice: str = "", timeout_s: float = BODY_TIMEOUT_S) -> None:
        """`advice` is told of a body that is too large."""
        self._app, self._max_bytes, self._timeout_s = app, max_bytes, timeout_s
        self._advice = advice and f"; {advice}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._read(Headers(scope=scope), receive)
        except TimeoutError:
            raise _closing(408, f"the body did not arrive within {self._timeout_s:g} s") from None
        if body is not None:
            await self._app(scope, _with_body(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body; None where the caller hung up."""
        declared = headers.get("content-length", "")
        if "expect" in headers and declared.isdecimal() and int(declared) > self._max_bytes:
            raise self._too_large()  # the caller waits for leave to send
        body, parts = bytearray(), _parts(receive)
        async for part in parts:
            if part is None:
                return None
            body += part
            if len(body) > self._max_bytes:
                await _discard(parts)
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> RefusedRequest:
        return _closing(413, f"the body is larger than {self._max_bytes} bytes{self._advice}")


async def _parts(receive: Receive) -> AsyncIterator[bytes | None]:
    """The parts of the body; None where the caller hung up."""
    more = True
    while more:
        message = await receive()
        gone = message["type"] == "http.disconnect"
        yield None if gone else message.get("body", b"")
        more = not gone and message.get("more_body", False)


async def _discard(parts: AsyncIterator[bytes | None]) -> None:
    """Lets the caller send on for a while: one that is cut off while it sends never sees the answer."""
    discarded = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_S):
            async for part in parts:
                discarded += len(part or b"")
                if discarded > DISCARD_BYTES:
                    return


def _closing(status: int, error: str) -> RefusedRequest:
    """A refusal after which the connection is of no use: the rest of the body is not read."""
    return RefusedRequest(status, error, headers={"Connection": "close"})


def _with_body(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
