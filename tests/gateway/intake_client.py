"""Callers of the HTTP gateway, in this process, with a real producer behind it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gateway.intake import new_gateway
from streams.settings import Settings
from streams.writing import open_producer

NOW = 1_700_000_000.25
"""2023-11-14T22:13:20.250Z: what the gateway's clock says in every test."""
TOKEN = "a token"
TOKEN_DIGEST = "e3316e2bafebb6103a3418e8778c0adc960d40213a03a7e7f4fcd3426ed807bf"


def clock() -> float:
    return NOW


def post(**changed: Any) -> dict[str, Any]:
    """A mention, or a reply, in a thread that no other test has."""
    identity = uuid.uuid4().hex
    given = {
        "brand": "Acme",
        "channel": "x",
        "thread": f"thread-{identity}",
        "post": f"post-{identity}",
        "author": "@someone",
        "text": "my order never arrived",
        "posted_at": "2023-11-14T22:00:00Z",
    }
    return {name: value for name, value in {**given, **changed}.items() if value is not ...}


@asynccontextmanager
async def caller(
    kafka: str,
    *,
    brands: frozenset[str] | None = None,
    address: str = "127.0.0.1",
    url: str = "http://127.0.0.1:8710",
    acknowledge_s: float = 10.0,
    **settings: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that writes to `kafka`; it calls from `address`."""
    chosen = Settings(bootstrap=kafka, **settings)
    async with open_producer(kafka) as producer:
        app = new_gateway(producer, chosen, brands, clock, acknowledge_s=acknowledge_s)
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            yield client
