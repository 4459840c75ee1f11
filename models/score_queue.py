"""One model, many partitions: what they wait for is read together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from time import perf_counter
from typing import NamedTuple

from models.mention_model import MentionModel, Reading
from models.second_stage import SecondStage

MAX_TEXTS = 64
"""Texts of one model run, unless a single request holds more."""


class _Request(NamedTuple):
    texts: Sequence[str]
    again: bool
    future: asyncio.Future[list[Reading]]


class ScoreQueue:
    """Runs the model in one thread of its own. Requests that arrive during a run share the next one, so that small
    batches of many partitions cost little more than one large batch."""

    def __init__(
        self,
        model: MentionModel,
        on_run: Callable[[int, float], None] = lambda _texts, _seconds: None,
        second: SecondStage | None = None,
    ) -> None:
        """`on_run` is told the texts and the seconds of each run, the second stage's among them."""
        self._model, self._on_run, self._second = model, on_run, second
        self.version = model.version
        self._waiting: list[_Request] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    async def read(self, texts: Sequence[str], *, again: bool = False) -> list[Reading]:
        """What the model reads in `texts`, in order; with `again`, what the second stage reads in the doubtful ones.
        Raises what a model raises."""
        future: asyncio.Future[list[Reading]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(texts, again, future))
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
                readings = await self._read([text for one in requests for text in one.texts], requests[0].again)
            except Exception as error:
                _fail(requests, error)
                continue
            _deliver(requests, readings)

    def _next_requests(self) -> list[_Request]:
        alike = list(takewhile(lambda one: one.again == self._waiting[0].again, self._waiting))
        taken, texts = 0, 0
        while taken < len(alike) and (taken == 0 or texts + len(alike[taken].texts) <= MAX_TEXTS):
            texts += len(alike[taken].texts)
            taken += 1
        requests, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return requests

    async def _read(self, texts: list[str], again: bool) -> list[Reading]:
        started = perf_counter()
        readings = await asyncio.get_running_loop().run_in_executor(self._thread, self._score, texts, again)
        self._on_run(len(texts), perf_counter() - started)
        return readings

    def _score(self, texts: list[str], again: bool) -> list[Reading]:
        readings = self._model.read(texts)
        return self._second.read_again(texts, readings) if again and self._second is not None else readings


def _deliver(requests: list[_Request], readings: list[Reading]) -> None:
    start = 0
    for texts, _, future in requests:
        if not future.done():
            future.set_result(readings[start : start + len(texts)])
        start += len(texts)


def _fail(requests: list[_Request], error: Exception) -> None:
    for _, _, future in requests:
        if not future.done():
            future.set_exception(error)
