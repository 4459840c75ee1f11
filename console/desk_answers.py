"""Tells who waits for it what was answered: one reader of the answers for all that wait in this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from aiokafka import AIOKafkaConsumer

from console.answers import Answer, command_of
from schemas.codecs import Codec, start_of
from schemas.desk_events import DeskAnswer
from schemas.incident_records import IncidentChanged
from streams.reading import POLL_MS, reader
from streams.topics import DESK_EVENTS, INCIDENTS

_STARTS = (start_of(DeskAnswer), start_of(IncidentChanged))
_ANSWERS = Codec[DeskAnswer | IncidentChanged](DeskAnswer, IncidentChanged)


class DeskAnswers:
    """Who waits for the answer to which command."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[Answer]]] = defaultdict(set)

    @contextmanager
    def awaited(self, command: str) -> Iterator[asyncio.Future[Answer]]:
        """The answer to the command, of those told within. Begin before the command is written."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[command].add(future)
        try:
            yield future
        finally:
            self._waiting[command].discard(future)
            if not self._waiting[command]:
                del self._waiting[command]

    def tell(self, value: bytes | None) -> None:
        """A value of the topics that are followed; of what is no answer nothing comes. Raises UndecodableRecord."""
        if value is None or not self._waiting or not value.startswith(_STARTS):
            return
        answer = _ANSWERS.decode(value)
        for future in self._waiting.get(command_of(answer), ()):
            if not future.done():
                future.set_result(answer)


@asynccontextmanager
async def following(bootstrap: str, answers: DeskAnswers, on_lost: Callable[[Exception], None]) -> AsyncIterator[None]:
    """Tells all answers that are committed from now on. `on_lost` is called if the reader ends."""
    async with reader(bootstrap, [DESK_EVENTS.name, INCIDENTS.name], from_start=False) as consumer:
        for tp in consumer.assignment():
            await consumer.position(tp)  # what is committed from here on is seen
        task = asyncio.create_task(_tell_all(consumer, answers, on_lost))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _tell_all(consumer: AIOKafkaConsumer, answers: DeskAnswers, on_lost: Callable[[Exception], None]) -> None:
    try:
        while True:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    answers.tell(record.value)
    except Exception as error:
        on_lost(error)
