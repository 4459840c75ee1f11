"""Timers of product questions, as route writes them to `sla-timer` under the shipped policy, and time itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Final

from aiokafka import AIOKafkaProducer

from agents.registry import load_policy
from agents.route_mentions import SOURCE
from agents.write_ticks import ticks_at
from bench.mention_variety import varied_mentions
from bench.work import POLICY
from domain.routing import route
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.ids import conversation_key, derive_id, mention_id, public_reply_id
from schemas.records import Classification, ClassifiedMention, TargetTimes, TimerRespond, TimerStart
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import SLA_TIMER
from streams.writing import new_producer, write_outbox

AT_ONCE: Final = 20_000
ARRIVE_EVERY_S: Final = 0.02
CHANNEL: Final = "twitter"


def timer(run: str, number: int, due: float) -> TimerStart:
    """A clock that started the policy's minutes before `due`, in seconds since 1970.

    Conversations and ids are named after `run` and the number.
    """
    like = _routed()
    post = f"{run}-{number}"
    mention = mention_id(like.brand, CHANNEL, post)
    due_at = datetime.fromtimestamp(due, UTC)
    started_at, at_risk_at = due_at - (like.due_at - like.started_at), due_at - (like.due_at - like.at_risk_at)
    return like.model_copy(
        update={
            "id": derive_id("timer_start", mention, like.target),
            "conversation": conversation_key(like.brand, CHANNEL, post),
            "mention": mention,
            "started_at": started_at,
            "received_at": started_at,
            "at_risk_at": at_risk_at,
            "due_at": due_at,
            "next_response": TargetTimes(at_risk_at=at_risk_at, due_at=due_at),
        }
    )


def response(run: str, number: int, moment: float) -> TimerRespond:
    """The brand's answer to that timer's conversation, in seconds since 1970."""
    reply = public_reply_id(_routed().brand, CHANNEL, f"{run}-{number}-answer")
    return TimerRespond(
        id=derive_id("timer_respond", reply),
        conversation=conversation_key(_routed().brand, CHANNEL, f"{run}-{number}"),
        reply=reply,
        responded_at=datetime.fromtimestamp(moment, UTC),
    )


def is_of(run: str, conversation: str) -> bool:
    """Whether `timer` named the conversation after the run."""
    return conversation.startswith(conversation_key(_routed().brand, CHANNEL, f"{run}-"))


def target_s() -> float:
    """The policy's time from start to due, in seconds."""
    return (_routed().due_at - _routed().started_at).total_seconds()


def at_risk_before_due_s() -> float:
    """From at risk to due, in seconds."""
    return (_routed().due_at - _routed().at_risk_at).total_seconds()


async def write_timers(bootstrap: str, partitions: int, timers: Iterable[TimerStart]) -> None:
    """Returns when the broker has acknowledged them all."""
    producer, rest = new_producer(bootstrap), iter(timers)
    await producer.start()
    try:
        while some := list(islice(rest, AT_ONCE)):
            await write_outbox(producer, timers_outbox(some, partitions))
    finally:
        await producer.stop()


def timers_outbox(timers: Iterable[TimerStart], partitions: int) -> Outbox:
    """As records of `sla-timer`, taken in now."""
    outbox, now_ms = Outbox(), int(time.time() * 1000)
    for start in timers:
        key = start.conversation.encode()
        record = OutgoingRecord(key, encode(start), headers_of(start, SOURCE), now_ms)
        outbox.to(SLA_TIMER.name, partition_of(key, partitions)).append(record)
    return outbox


async def let_time_pass(producer: AIOKafkaProducer, partitions: int, every_s: float) -> None:
    """Writes a tick into every partition of `sla-timer` each interval, until cancelled."""
    while True:
        now = time.time()
        await write_outbox(producer, ticks_at(now, set(range(partitions)), SLA_TIMER.name))
        await asyncio.sleep(max(0.0, every_s - (time.time() - now)))


async def let_timers_arrive(producer: AIOKafkaProducer, partitions: int, run: str, rate: float) -> None:
    """Starts `rate` timers a second, with all their time before them, until cancelled."""
    begin, sent = time.time(), 0
    while True:
        now = time.time()
        number = int((now - begin) * rate)
        arrived = (timer(run, each, now + target_s()) for each in range(sent, number))
        await write_outbox(producer, timers_outbox(arrived, partitions))
        sent = number
        await asyncio.sleep(ARRIVE_EVERY_S)


@lru_cache(maxsize=1)
def _routed() -> TimerStart:
    mention = next(varied_mentions("routed"))
    classification = Classification(
        type="product_question",
        sentiment="neutral",
        urgency="high",
        confidence=0.9,
        needs_review=False,
        reason="bench",
        model="bench",
    )
    classified = ClassifiedMention(id="bench", mention=mention, classification=classification)
    found = route(classified, load_policy(POLICY)).timer
    assert found is not None
    return found
