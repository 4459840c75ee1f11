"""Replies on a real channel that times out, fails, drops, answers twice: on a real Kafka, each is posted once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from schemas.outcomes import PublishIntent, PublishOutcome, ReplyOutcome
from schemas.records import DeadLetter, PublicReply
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import DEAD_LETTERS, DESK_EVENTS, DESK_INBOX, MENTIONS_RAW, PUBLISH_LOG
from streams.writing import new_producer, write_outbox
from tests.gateway.channel_server import POSTED_AT, Channel, open_channel
from tests.gateway.publishing import decoded, found, new_reply, outcome_of, publishing, tell
from tests.product_topics import records_of

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def channel(kafka: str) -> AsyncIterator[Channel]:
    """One channel and one worker for all: what goes wrong is said of each reply."""
    async with open_channel() as channel, publishing(kafka, channel.url):
        yield channel


async def test_a_reply_is_posted_once_and_stops_the_clock_at_the_channels_time(kafka: str, channel: Channel) -> None:
    reply = new_reply()
    await tell(kafka, reply)
    outcome = await outcome_of(kafka, reply)
    assert (outcome.result, outcome.post, outcome.attempts) == ("published", f"post of {reply.id}", 1)
    (public,) = await decoded(kafka, MENTIONS_RAW.name, reply.conversation)
    assert isinstance(public, PublicReply)
    assert (public.reply, public.post, public.text) == (reply.id, outcome.post, reply.text)
    assert public.posted_at.isoformat() == POSTED_AT.replace("Z", "+00:00")
    assert (public.automatic, public.url) == (False, f"https://channel.example/{reply.id}")
    assert channel.copies()[reply.id] == 1
    brand, thread = "Acme", reply.conversation.split(":")[2]
    assert channel.bodies[-1] == {
        "reply": reply.id,
        "conversation": reply.conversation,
        "brand": brand,
        "channel": "x",
        "thread": thread,
        "mention": reply.mention,
        "text": reply.text,
        "author": "agent-7",
    }


async def test_an_intent_stands_in_the_log_before_the_outcome_and_in_the_same_partition(
    kafka: str, channel: Channel
) -> None:
    reply = new_reply()
    await tell(kafka, reply)
    await outcome_of(kafka, reply)
    intent, outcome = await decoded(kafka, PUBLISH_LOG.name, reply.conversation)
    assert isinstance(intent, PublishIntent)
    assert isinstance(outcome, PublishOutcome)
    assert (intent.reply, intent.attempt) == (reply, 1)
    logged = await records_of(kafka, PUBLISH_LOG.name, reply.conversation)
    told = await records_of(kafka, DESK_EVENTS.name, reply.conversation)
    assert {record.partition for record in logged} == {record.partition for record in told}
    assert dict(logged[0].headers)["ce_source"] == b"/tenfour/publish"


@pytest.mark.parametrize(
    ("behaviour", "asked"),
    [
        (["store_and_hang"], ["POST", "GET"]),
        (["store_and_drop"], ["POST", "GET"]),
        (["hang"], ["POST", "GET", "POST"]),
        (["drop"], ["POST", "GET", "POST"]),
        (["fail"], ["POST", "GET", "POST"]),
        (["fail", "drop"], ["POST", "GET", "POST", "GET", "POST"]),
        (["accept"], ["POST", "GET", "POST"]),
        (["busy", "busy"], ["POST", "POST", "POST"]),
        (["slow"], ["POST"]),
        (["duplicate"], ["POST"]),
    ],
    ids=lambda given: "-".join(given),
)
async def test_whatever_the_channel_does_the_reply_is_on_it_once(
    kafka: str, channel: Channel, behaviour: list[str], asked: list[str]
) -> None:
    reply = new_reply()
    channel.will(reply.id, *behaviour)
    await tell(kafka, reply)
    outcome = await outcome_of(kafka, reply)
    assert (outcome.result, channel.copies()[reply.id], channel.asked(reply.id)) == ("published", 1, asked)
    assert len(await decoded(kafka, MENTIONS_RAW.name, reply.conversation)) == 1


async def test_a_reply_that_the_channel_refuses_goes_back_to_the_desk_and_is_not_tried_again(
    kafka: str, channel: Channel
) -> None:
    reply = new_reply()
    channel.will(reply.id, "refuse")
    await tell(kafka, reply)
    outcome = await outcome_of(kafka, reply)
    assert (outcome.result, outcome.reason) == ("refused", "the channel refused the reply with status 422")
    (word,) = await decoded(kafka, DESK_INBOX.name, reply.conversation)
    assert isinstance(word, ReplyOutcome)
    assert (word.reply, word.result, word.reason) == (reply.id, "refused", outcome.reason)
    assert channel.asked(reply.id) == ["POST"]
    assert await decoded(kafka, MENTIONS_RAW.name, reply.conversation) == []


@pytest.mark.parametrize("says", ["fail", "hang", "page"])
async def test_what_the_channel_does_not_tell_is_uncertain_and_never_posted_again(
    kafka: str, channel: Channel, says: str
) -> None:
    reply = new_reply()
    channel.will(reply.id, "store_and_drop")
    channel.will_say(reply.id, says, says, says)
    await tell(kafka, reply)
    outcome = await outcome_of(kafka, reply)
    assert (outcome.result, channel.asked(reply.id)) == ("uncertain", ["POST", "GET", "GET", "GET"])
    (word,) = await decoded(kafka, DESK_INBOX.name, reply.conversation)
    assert isinstance(word, ReplyOutcome)
    assert word.result == "uncertain"


async def test_replies_of_one_conversation_keep_their_order_and_others_do_not_wait(
    kafka: str, channel: Channel
) -> None:
    first, second, other = new_reply("1", thread="order"), new_reply("2", thread="order"), new_reply()
    channel.will(first.id, "hang", "hang")
    await tell(kafka, first, second, other)
    await outcome_of(kafka, other)
    assert second.id not in channel.copies()
    await outcome_of(kafka, second)
    posted = [post["key"] for post in channel.public if post["key"] in (first.id, second.id)]
    assert posted == [first.id, second.id]


async def test_a_reply_that_comes_again_is_not_posted_again(kafka: str, channel: Channel) -> None:
    reply = new_reply()
    await tell(kafka, reply)
    await outcome_of(kafka, reply)
    last = new_reply(thread=reply.conversation.split(":")[2])
    await tell(kafka, reply, last)
    await outcome_of(kafka, last)
    assert channel.asked(reply.id) == ["POST"]


async def test_what_cannot_be_read_becomes_a_dead_letter(kafka: str, channel: Channel) -> None:
    key = f"Acme:x:{time.time_ns()}".encode()
    outbox = Outbox()
    outbox.to(DESK_EVENTS.name, 0).append(OutgoingRecord(key, b"{", [], int(time.time() * 1000)))
    producer = new_producer(kafka)
    await producer.start()
    await write_outbox(producer, outbox)
    await producer.stop()
    reply = new_reply()
    await tell(kafka, reply)
    await outcome_of(kafka, reply)
    letters = await found(lambda: decoded(kafka, DEAD_LETTERS.name, key.decode()))
    assert {letter.stage for letter in letters if isinstance(letter, DeadLetter)} == {"publish"}
