"""The edge of the HTTP gateway: who may call, and how much they may send.

Plain ASGI, in front of the routes: a caller without right is answered before a byte of the body is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.refusals import RefusedRequest
from streams.metrics import GATEWAY_REQUESTS
from streams.settings import SettingsError

GUARDED: Final = "/v1/"
"""Paths below this one need the right to send; probes and the API's description don't."""
BODY_TIMEOUT_S: Final = 30.0
DISCARD_S: Final = 3.0
DISCARD_BYTES: Final = 16 * 1024 * 1024
_PROXY_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
_LOG = logging.getLogger("tenfour.gateway")


def token_digests(setting: str) -> tuple[bytes, ...]:
    """The digests in TENFOUR_GATEWAY_TOKENS. Raises SettingsError, without quoting what may be a secret."""
    items = [item.strip() for item in setting.split(",") if item.strip()]
    digests = []
    for number, item in enumerate(items, start=1):
        if len(item) != 64 or not set(item.lower()) <= set("0123456789abcdef"):
            raise SettingsError(
                f"TENFOUR_GATEWAY_TOKENS: item {number} is no SHA-256 digest of 64 hex digits; "
                'make one with `printf %s "$TOKEN" | sha256sum`'
            )
        digests.append(bytes.fromhex(item))
    return tuple(digests)


class AnswerAlways:
    """Outermost: counts every answer, and answers a failure of ours with 500, without its content."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def counted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                GATEWAY_REQUESTS.labels(str(message["status"])).inc()
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except RefusedRequest as refused:
            await refused.response()(scope, receive, counted)
        except Exception as error:
            # Not its text: pydantic's errors quote the input, which is personal.
            _LOG.error("%s %s failed: %s", scope["method"], scope["path"], type(error).__name__)
            if not started:
                failure = RefusedRequest(500, "the gateway failed; its log has the kind of error")
                await failure.response()(scope, receive, counted)


class CallerCheck:
    """Lets through who holds a token; without configured tokens, who calls from this machine."""

    def __init__(self, app: ASGIApp, digests: tuple[bytes, ...]) -> None:
        self._app, self._digests = app, digests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            if self._digests:
                self._check_token(Headers(scope=scope).get("authorization", ""))
            else:
                _check_local(scope)
        await self._app(scope, receive, send)

    def _check_token(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("send a bearer token: `Authorization: Bearer ...`", "Bearer")
        digest = hashlib.sha256(token.strip().encode()).digest()
        # Every digest is compared, so that the time tells nothing about which one matched.
        if not sum([hmac.compare_digest(digest, known) for known in self._digests]):
            raise _unauthorized("this token may not send", 'Bearer error="invalid_token"')


def _unauthorized(error: str, challenge: str) -> RefusedRequest:
    return RefusedRequest(401, error, headers={"WWW-Authenticate": challenge})


def _check_local(scope: Scope) -> None:
    """Refuses callers from elsewhere, also through a local proxy or a web page that renamed 127.0.0.1."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    proxied = any(name in headers for name in _PROXY_HEADERS)
    if client is None or proxied or not _is_loopback(client[0]) or not _names_this_machine(headers.get("host", "")):
        raise RefusedRequest(
            403, "only callers on this machine may send; set TENFOUR_GATEWAY_TOKENS to let in others by token"
        )


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback


class BodyLimit:
    """Reads the whole body before the routes see it: at most `max_bytes`, declared or not, and in time."""

    def __init__(self, app: ASGIApp, max_bytes: int, timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._app, self._max_bytes, self._timeout_s = app, max_bytes, timeout_s

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
        return _closing(413, f"the body is larger than {self._max_bytes} bytes; send fewer posts in one request")


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
