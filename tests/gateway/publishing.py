"""Replies handed on by the desk, a worker that publishes them, and what the log says of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from domain.back_off import BackOff
from gateway.publish_replies import publish_deliveries
from gateway.reply_channel import ReplyChannel
from schemas.codecs import decode, encode
from schemas.desk_events import ReplyToPublish
from schemas.ids import conversation_key
from schemas.outcomes import PublishOutcome
from schemas.records import AnyRecord
from streams.deliveries import run_deliveries
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import DESK_EVENTS, PUBLISH_LOG
from streams.writing import new_producer, write_outbox
from tests.product_topics import records_of

QUICKLY = BackOff(0.05, 0.2)
PATIENCE_S = 40.0
R = TypeVar("R")


def new_reply(text: str = "It is on its way.", *, thread: str = "") -> ReplyToPublish:
    """In a conversation that no other test has, or a thread of its own choice."""
    return ReplyToPublish(
        id=secrets.token_hex(16),
        conversation=conversation_key("Acme", "x", thread or secrets.token_hex(6)),
        brand="Acme",
        mention=secrets.token_hex(16),
        text=text,
        author="agent-7",
        at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    )


async def tell(kafka: str, *events: AnyRecord, minutes_ago: float = 0.0) -> None:
    """Writes what the desk tells."""
    outbox = Outbox()
    for event in events:
        key = event.conversation.encode()  # type: ignore[union-attr]
        timestamp = int((time.time() - minutes_ago * 60) * 1000)
        group = outbox.to(DESK_EVENTS.name, partition_of(key, Settings().partitions))
        group.append(OutgoingRecord(key, encode(event), [], timestamp))
    producer = new_producer(kafka)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()


def publish_settings(kafka: str, url: str, **changed: Any) -> Settings:
    quick = {"publish_timeout_s": 0.5, "publish_lookups": 3, "commit_interval_s": 0.1}
    return Settings(bootstrap=kafka, publish_url=url, **(quick | changed))


@asynccontextmanager
async def publishing(
    kafka: str, url: str, *, clock: Callable[[], float] = time.time, **changed: Any
) -> AsyncIterator[None]:
    """A worker in this process, until the block is left."""
    settings, stop = publish_settings(kafka, url, **changed), asyncio.Event()
    channel = ReplyChannel(settings, clock)

    async def until() -> None:
        await stop.wait()

    worker = asyncio.create_task(run_deliveries(publish_deliveries(settings, channel, clock, QUICKLY), settings, until))
    try:
        yield
    finally:
        stop.set()
        await worker
        await channel.close()


async def outcome_of(kafka: str, reply: ReplyToPublish) -> PublishOutcome:
    """How its publishing ended, once it has."""

    async def outcomes() -> list[PublishOutcome]:
        logged = await decoded(kafka, PUBLISH_LOG.name, reply.conversation)
        return [record for record in logged if isinstance(record, PublishOutcome) and record.reply == reply.id]

    (outcome,) = await found(outcomes)
    return outcome


async def found(look: Callable[[], Awaitable[list[R]]]) -> list[R]:
    """What is found, once anything is."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if records := await look():
                return records
            await asyncio.sleep(0.1)


async def decoded(kafka: str, topic: str, conversation: str) -> list[AnyRecord]:
    return [decode(record.value) for record in await records_of(kafka, topic, conversation)]
