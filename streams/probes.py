"""What a process shows of itself by HTTP: `/metrics`, `/healthz`, `/readyz`.

Served from a thread of its own, so that metrics are to be had while the event loop is busy, and a loop that stands
still is told.
"""

from __future__ import annotations

import asyncio
import json
import platform
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import TimeoutError as Late
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from streams.health import CHECK_S, Health
from streams.listening import cannot_listen
from streams.metrics import BUILD_INFO, CATALOGUE, LOOP_DELAY
from streams.settings import Settings

LOOP_S: Final = 2.0
"""An event loop that answers later is held to stand still."""
SAMPLE_S: Final = 0.1
ASK_EVERY_S: Final = 10.0
"""How often readiness is looked at for the metric, whether or not anybody asks for it."""
_HEADERS: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@asynccontextmanager
async def observed(settings: Settings, health: Health) -> AsyncIterator[None]:
    """Within it the process shows itself on TENFOUR_METRICS_PORT, where that is set. Raises ServingError."""
    BUILD_INFO.labels(version("tenfour"), platform.python_version()).set(1)
    if not settings.metrics_port:
        yield
        return
    server = _listen(settings, probes(health, asyncio.get_running_loop()))
    Thread(target=server.serve_forever, name="probes", daemon=True).start()
    beside = [asyncio.create_task(_measure_loop()), asyncio.create_task(_look(health))]
    try:
        yield
    finally:
        for task in beside:
            task.cancel()
        await asyncio.to_thread(server.shutdown)
        server.server_close()


def probes(health: Health, loop: asyncio.AbstractEventLoop) -> Application:
    """The WSGI application. `loop` is the one that the process works in."""
    metrics = make_wsgi_app(CATALOGUE)

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        if path == "/healthz":
            reason = _in_loop(loop, _alive(), LOOP_S)
            alive = reason is None
            return _json(start_response, alive, {"status": "ok"} if alive else {"status": "failed", "reason": reason})
        if path == "/readyz":
            found = _in_loop(loop, health.problems(), CHECK_S + LOOP_S)
            checks = found if isinstance(found, dict) else {"event loop": found}
            ready = not any(checks.values())
            return _json(start_response, ready, {"ready": ready, "checks": _said(checks)})
        start_response("404 Not Found", list(_HEADERS))
        return [b'{"error": "here are /metrics, /healthz and /readyz"}\n']

    return application


async def _alive() -> None:
    """Returns as soon as the loop comes to it."""


def _in_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], within_s: float) -> Any:
    """What the work gives; a text where the loop does not come to it."""
    try:
        asked = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        work.close()
        return "the event loop has ended"
    try:
        return asked.result(within_s)
    except Late:
        asked.cancel()
        return f"the event loop did not answer within {within_s:g} s"


def _said(checks: dict[str, str | None]) -> dict[str, str]:
    return {name: problem or "ok" for name, problem in checks.items()}


def _json(start_response: StartResponse, good: bool, body: dict[str, Any]) -> Iterable[bytes]:
    start_response("200 OK" if good else "503 Service Unavailable", list(_HEADERS))
    return [json.dumps(body).encode() + b"\n"]


async def _measure_loop() -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(SAMPLE_S)
        LOOP_DELAY.observe(max(0.0, time.perf_counter() - began - SAMPLE_S))


async def _look(health: Health) -> None:
    while True:
        with suppress(Exception):  # each check tells its own failure
            await health.problems()
        await asyncio.sleep(ASK_EVERY_S)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without the look-up of this machine's name that http.server makes, which may take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Silent(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Who asks for metrics every few seconds is not worth a line."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listen(settings: Settings, application: Application) -> WSGIServer:
    host, port = settings.metrics_host, settings.metrics_port
    server = _Server6 if ":" in host else _Server
    try:
        return make_server(host, port, application, server_class=server, handler_class=_Silent)
    except OSError as error:
        raise cannot_listen(settings.metrics_host, settings.metrics_port, "METRICS", error) from None
