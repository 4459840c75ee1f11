"""Runs the HTTP gateway inside an asyncio program, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from gateway.intake import ACKNOWLEDGE_S, Clock, new_gateway
from gateway.raw_topic import open_producer
from streams.running import stop_signal
from streams.settings import Settings
from streams.topics import MENTIONS_RAW, require_topics
from streams.writing import WriteFailed

MAX_CONNECTIONS: Final = 1000
"""At most so many bodies are in memory at once; who comes later is answered 503."""


class GatewayError(RuntimeError):
    """The gateway can't listen, or can't write any more; the text says why and what to do."""


async def serve_gateway(
    settings: Settings,
    brands: frozenset[str] | None,
    clock: Clock,
    *,
    on_listening: Callable[[str], None] = lambda _: None,
    until: Callable[[], Coroutine[Any, Any, None]] = stop_signal,
) -> None:
    """Serves until `until` returns, by default at SIGTERM or SIGINT; then answers what it has, and returns.

    `on_listening` gets the address, `http://host:port`, once callers can connect. Raises GatewayError,
    SettingsError for tokens that are no digests, TopicError where `mentions-raw` is not as the settings say.
    """
    await require_topics(settings.bootstrap, partitions=settings.partitions, topics=[MENTIONS_RAW])
    broken: asyncio.Future[WriteFailed] = asyncio.get_running_loop().create_future()
    with _listen(settings.gateway_host, settings.gateway_port) as listener:
        async with open_producer(settings.bootstrap) as producer:
            app = new_gateway(producer, settings, brands, clock, on_broken=_once(broken))
            stop = asyncio.create_task(until())
            await asyncio.sleep(0)  # from here on signals are heard: whoever is told the address may send one
            on_listening(_address(listener))
            await _serve(app, listener, stop, broken)
    if broken.done():
        raise GatewayError(f"the producer is of no more use: {broken.result()}; start the gateway again")


async def _serve(
    app: FastAPI, listener: socket.socket, stop: asyncio.Task[None], broken: asyncio.Future[WriteFailed]
) -> None:
    server = _server(app)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ends: list[asyncio.Future[Any]] = [serving, stop, broken]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        server.should_exit = True
        await asyncio.shield(serving)


class _Server(uvicorn.Server):
    """Leaves the process's signals to the program around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: FastAPI) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            # The address that calls counts, whatever a header says.
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=int(ACKNOWLEDGE_S) + 2,
        )
    )


def _once(broken: asyncio.Future[WriteFailed]) -> Callable[[WriteFailed], None]:
    return lambda error: None if broken.done() else broken.set_result(error)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise GatewayError(
            f"cannot listen on {host}:{port}: {reason}; set TENFOUR_GATEWAY_HOST and TENFOUR_GATEWAY_PORT to others"
        ) from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
