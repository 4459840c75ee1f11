"""What one worker at a time writes of a partition, each write awaited.

The transactional id names the partition: whoever starts a writer of that id fences the one before it, whose writes then
fail. Writes that come together share a transaction, since one costs the broker the same whatever it holds.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Self

from streams.record_batches import Outbox
from streams.settings import Settings
from streams.writing import new_producer, write_outbox


class FencedLog:
    """Start it, write, stop it."""

    @classmethod
    def of_partition(cls, writer: str, number: int, settings: Settings) -> Self:
        """What `writer` writes of one partition, under the id `writer-number`."""
        return cls(
            settings.bootstrap,
            f"{writer}-{number}",
            transaction_timeout_s=settings.transaction_timeout_s,
            write_s=settings.batch_timeout_s,
        )

    def __init__(self, bootstrap: str, transactional_id: str, *, transaction_timeout_s: float, write_s: float) -> None:
        """`write_s`: seconds that a write may take."""
        self._producer = new_producer(
            bootstrap, transactional_id=transactional_id, transaction_timeout_ms=int(transaction_timeout_s * 1000)
        )
        self._write_s = write_s
        self._waiting: list[tuple[Outbox, asyncio.Future[float]]] = []
        self._come = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fences whoever wrote before, and settles their open transaction."""
        await self._producer.start()
        self._writer = asyncio.create_task(self._write_on())

    async def write(self, outbox: Outbox) -> float:
        """Writes all of it at once, or nothing; returns when the broker has it.

        Gives a moment of the monotonic clock, in seconds, at which this worker was not fenced. Raises KafkaError or
        WriteFailed, ProducerFenced among them; the writer is of no more use then.
        """
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((outbox, done))
        self._come.set()
        return await done

    async def stop(self) -> None:
        """What is being written is written; what waits is not."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        await self._producer.stop()

    async def _write_on(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            together, self._waiting = self._waiting, []
            writing = asyncio.ensure_future(self._write_together(together))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:  # stopped: a transaction is not left halfway
                await asyncio.wait([writing])
                raise

    async def _write_together(self, together: list[tuple[Outbox, asyncio.Future[float]]]) -> None:
        try:
            async with asyncio.timeout(self._write_s):
                begun = time.monotonic()
                async with self._producer.transaction():
                    await write_outbox(self._producer, _joined([outbox for outbox, _ in together]))
        except Exception as error:
            _settle(together, error)
        else:
            _settle(together, begun)


def _settle(together: list[tuple[Outbox, asyncio.Future[float]]], result: float | Exception) -> None:
    for _, done in together:
        with suppress(asyncio.InvalidStateError):  # whoever waited has been cancelled
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)


def _joined(outboxes: list[Outbox]) -> Outbox:
    joined = Outbox()
    for outbox in outboxes:
        for (topic, partition), records in outbox.groups.items():
            joined.to(topic, partition).extend(records)
    return joined
