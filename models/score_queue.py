"""One model, many partitions: what they wait for is read together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from models.mention_model import MentionModel, Reading

MAX_TEXTS = 64
"""Texts of one model run, unless a single request holds more."""

_Request = tuple[Sequence[str], "asyncio.Future[list[Reading]]"]


class ScoreQueue:
    """Runs the model in one thread of its own. Requests that arrive during a run share the next one, so that small
    batches of many partitions cost little more than one large batch."""

    def __init__(
        self, model: MentionModel, on_run: Callable[[int, float], None] = lambda _texts, _seconds: None
    ) -> None:
        """`on_run` is told the texts and the seconds of each run."""
        self._model, self._on_run = model, on_run
        self.version = model.version
        self._waiting: list[_Request] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    async def read(self, texts: Sequence[str]) -> list[Reading]:
        """What the model reads in `texts`, in order. Raises what the model raises."""
        future: asyncio.Future[list[Reading]] = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        await asyncio.sleep(0)  # whoever is ready in this turn of the loop comes along
        while self._waiting:
            requests = self._next_requests()
            try:
                readings = await self._read([text for texts, _ in requests for text in texts])
            except Exception as error:
                _fail(requests, error)
                continue
            _deliver(requests, readings)

    def _next_requests(self) -> list[_Request]:
        taken, texts = 0, 0
        while taken < len(self._waiting) and (taken == 0 or texts + len(self._waiting[taken][0]) <= MAX_TEXTS):
            texts += len(self._waiting[taken][0])
            taken += 1
        requests, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return requests

    async def _read(self, texts: list[str]) -> list[Reading]:
        started = perf_counter()
        readings = await asyncio.get_running_loop().run_in_executor(self._thread, self._model.read, texts)
        self._on_run(len(texts), perf_counter() - started)
        return readings


def _deliver(requests: list[_Request], readings: list[Reading]) -> None:
    start = 0
    for texts, future in requests:
        if not future.done():
            future.set_result(readings[start : start + len(texts)])
        start += len(texts)


def _fail(requests: list[_Request], error: Exception) -> None:
    for _, future in requests:
        if not future.done():
            future.set_exception(error)
