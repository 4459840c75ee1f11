"""One model, many partitions: what they wait for is scored together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from models.sentiment_model import SentimentModel, SentimentScores

MAX_TEXTS = 64
"""Texts of one model run, unless a single request holds more."""

_Request = tuple[Sequence[str], "asyncio.Future[list[SentimentScores]]"]


class ScoreQueue:
    """Runs the model in one thread of its own. Requests that arrive during a run share the next one, so that small
    batches of many partitions cost little more than one large batch."""

    def __init__(
        self, model: SentimentModel, on_run: Callable[[int, float], None] = lambda _texts, _seconds: None
    ) -> None:
        """`on_run` is told the texts and the seconds of each run."""
        self._model, self._on_run = model, on_run
        self.version = model.version
        self._waiting: list[_Request] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    async def score(self, texts: Sequence[str]) -> list[SentimentScores]:
        """The scores of `texts`, in order. Raises what the model raises."""
        future: asyncio.Future[list[SentimentScores]] = asyncio.get_running_loop().create_future()
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
                scores = await self._score([text for texts, _ in requests for text in texts])
            except Exception as error:
                _fail(requests, error)
                continue
            _deliver(requests, scores)

    def _next_requests(self) -> list[_Request]:
        taken, texts = 0, 0
        while taken < len(self._waiting) and (taken == 0 or texts + len(self._waiting[taken][0]) <= MAX_TEXTS):
            texts += len(self._waiting[taken][0])
            taken += 1
        requests, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return requests

    async def _score(self, texts: list[str]) -> list[SentimentScores]:
        started = perf_counter()
        scores = await asyncio.get_running_loop().run_in_executor(self._thread, self._model.score, texts)
        self._on_run(len(texts), perf_counter() - started)
        return scores


def _deliver(requests: list[_Request], scores: list[SentimentScores]) -> None:
    start = 0
    for texts, future in requests:
        if not future.done():
            future.set_result(scores[start : start + len(texts)])
        start += len(texts)


def _fail(requests: list[_Request], error: Exception) -> None:
    for _, future in requests:
        if not future.done():
            future.set_exception(error)
