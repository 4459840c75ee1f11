"""Who may call the HTTP gateway. Plain ASGI: a caller without right is answered before a byte of the body is read."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.http_refusals import RefusedRequest
from streams.settings import SettingsError

GUARDED: Final = "/v1/"
"""Paths below this one need the right to send; probes and the API's description don't."""
_PROXY_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


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
