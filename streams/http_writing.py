"""Writes into the log what callers wait for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.http_refusals import unavailable
from streams.record_batches import Outbox
from streams.writing import WriteFailed, write_outbox

ACKNOWLEDGE_S: Final = 10.0
"""Seconds that the broker has for what a request writes."""
RETRY_AFTER_S: Final = 5

OnBroken = Callable[[WriteFailed], None]


class AwaitedWrites:
    """Writes what belongs to one request, and returns when the broker has it."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        log: logging.Logger,
        on_broken: OnBroken | None = None,
        acknowledge_s: float = ACKNOWLEDGE_S,
    ) -> None:
        """`producer` is started. `on_broken` is called where a write failed so that the producer is of no more use."""
        self._producer, self._log = producer, log
        self._on_broken, self._acknowledge_s = on_broken, acknowledge_s

    async def write(self, outbox: Outbox, what: str, advice: str) -> None:
        """Raises RefusedRequest with the advice where the broker does not acknowledge; `what` is for the log."""
        try:
            async with asyncio.timeout(self._acknowledge_s):
                await write_outbox(self._producer, outbox)
        except TimeoutError:
            self._log.warning("the broker did not acknowledge within %g s: %s", self._acknowledge_s, what)
            raise unavailable(f"the broker did not acknowledge in time; {advice}", RETRY_AFTER_S) from None
        except WriteFailed as error:
            self._log.warning("the broker did not take %s; %s", what, error)
            if self._on_broken is not None and not _passes(error):
                self._on_broken(error)
            raise unavailable(f"the broker did not take it; {advice}", RETRY_AFTER_S) from None


def _passes(error: WriteFailed) -> bool:
    return isinstance(error.__cause__, KafkaError) and bool(error.__cause__.retriable)
