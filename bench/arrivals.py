"""Mentions that come when they come: at random moments, at a mean rate, whether or not the pipeline keeps up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from itertools import islice

from aiokafka import AIOKafkaProducer

from bench.mention_variety import keyed, posted_now, varied_mentions
from schemas.records import Mention
from streams.partitions import partition_of
from streams.topics import MENTIONS_RAW
from streams.writing import new_producer


async def send_mentions(bootstrap: str, partitions: int, run: str, rate: float, number: int) -> None:
    """Writes `number` mentions into `mentions-raw`, on average `rate` a second, and returns when all are acknowledged.

    A record's timestamp is the moment that was meant for it, so that a late sender makes a delay longer, not shorter.
    """
    producer = new_producer(bootstrap)
    await producer.start()
    try:
        acknowledged = [
            await _send(producer, partitions, mention, moment)
            for mention, moment in zip(islice(varied_mentions(run), number), _moments(rate), strict=False)
        ]
        await asyncio.gather(*acknowledged)
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, partitions: int, mention: Mention, moment: float) -> asyncio.Future[object]:
    await asyncio.sleep(max(0.0, moment - time.time()))
    key, value = keyed(posted_now(mention, moment))
    sent: asyncio.Future[object] = await producer.send(
        MENTIONS_RAW.name,
        value,
        key=key,
        partition=partition_of(key, partitions),
        timestamp_ms=int(moment * 1000),
    )
    return sent


def _moments(rate: float) -> Iterator[float]:
    rng = random.Random(11)
    moment = time.time()
    while True:
        moment += rng.expovariate(rate)
        yield moment
