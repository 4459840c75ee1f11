"""Serves an HTTP application inside an asyncio program, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from streams.listening import ServingError, cannot_listen

MAX_CONNECTIONS: Final = 1000
"""At most so many bodies are in memory at once; who comes later is answered 503."""


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    until: Callable[[], Coroutine[Any, Any, None]],
    broken: asyncio.Future[Exception],
    on_listening: Callable[[str], None],
    grace_s: int,
) -> None:
    """Serves until `until` returns or `broken` is set; then answers what it has, for `grace_s` at most, and returns.

    `on_listening` gets the address, `http://host:port`, once callers can connect. Raises ServingError if broken.
    """
    stop = asyncio.create_task(until())
    await asyncio.sleep(0)  # from here on signals are heard: whoever is told the address may send one
    on_listening(_address(listener))
    server = _server(app, grace_s)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ends: list[asyncio.Future[Any]] = [serving, stop, broken]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        server.should_exit = True
        await asyncio.shield(serving)
    if broken.done():
        raise ServingError(f"{broken.result()}; start it again")


def listen(host: str, port: int, name: str) -> socket.socket:
    """A socket that listens. Raises ServingError, which tells to set TENFOUR_<name>_HOST and TENFOUR_<name>_PORT."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise cannot_listen(host, port, name, error) from None


def first_error(broken: asyncio.Future[Exception], what: str) -> Callable[[Exception], None]:
    """Sets `broken` at the first error that it is called with; `what` says what has ended by it."""
    return lambda error: None if broken.done() else broken.set_result(ServingError(f"{what}: {error}"))


class _Server(uvicorn.Server):
    """Leaves the process's signals to the program around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: ASGIApp, grace_s: int) -> _Server:
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
            timeout_graceful_shutdown=grace_s,
        )
    )


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
