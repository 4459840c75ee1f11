"""A replay into a real broker. Each test plays later event times than the one before: a log's time never goes back."""

import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from domain.policy import parse_policy
from gateway.raw_topic import log_time
from gateway.replay import ReplayTotals, replay, span_after_last_post
from gateway.replay_file import ReplayError
from schemas.codecs import UndecodableRecord, decode
from schemas.ids import conversation_key, mention_id, public_reply_id
from schemas.records import Mention, PublicReply, Tick
from streams.reading import read_to_end
from streams.record_batches import OutgoingRecord
from streams.settings import Settings
from streams.topics import MENTIONS_RAW, TopicError
from streams.writing import open_producer, write_records

RAW = MENTIONS_RAW.name
CHANNEL = "replayed"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Post = Mention | PublicReply


@pytest.fixture
async def begin(kafka: str) -> datetime:
    """An event time that the log has not reached."""
    reached = await log_time(kafka)
    return (reached or datetime(2019, 1, 1, tzinfo=UTC)) + DAY


def post(posted_at: datetime, thread: str = "t", number: int = 0, *, reply: bool = False) -> Post:
    name = f"{posted_at.isoformat()}-{number}"
    fields: dict[str, Any] = {
        "brand": "Acme",
        "channel": CHANNEL,
        "thread": f"{thread}-{posted_at.date()}",
        "post": name,
        "author": "@someone",
        "text": f"number {number}",
        "posted_at": posted_at,
        "received_at": posted_at + DAY,
    }
    if reply:
        return PublicReply(id=public_reply_id("Acme", CHANNEL, name), **fields)
    return Mention(id=mention_id("Acme", CHANNEL, name), **fields)


async def play(kafka: str, posts: list[Post], speed: float | None = None, **options: Any) -> ReplayTotals:
    settings = Settings(bootstrap=kafka)
    return await replay(posts, settings, last_deadline_after=HOUR, speed=speed, clock=time.time, **options)


async def played(kafka: str, since: datetime) -> dict[int, list[tuple[ConsumerRecord, Post | Tick]]]:
    """What replays wrote of event times from `since` on, by partition."""
    found: dict[int, list[tuple[ConsumerRecord, Post | Tick]]] = defaultdict(list)
    async for record in read_to_end(kafka, [RAW]):
        with suppress(UndecodableRecord):
            decoded = decode(record.value)
            if isinstance(decoded, Tick) and decoded.at >= since:
                found[record.partition].append((record, decoded))
            if isinstance(decoded, Mention | PublicReply) and decoded.channel == CHANNEL and decoded.posted_at >= since:
                found[record.partition].append((record, decoded))
    return found


async def test_every_post_is_written_once_under_its_conversation(kafka: str, begin: datetime) -> None:
    posts = [post(begin + timedelta(seconds=number), f"t{number % 7}", number) for number in range(5000)]
    totals = await play(kafka, posts)
    found = [pair for pairs in (await played(kafka, begin)).values() for pair in pairs]
    written = [(record.key, given.id) for record, given in found if not isinstance(given, Tick)]
    assert totals.mentions == len(written) == 5000
    keys = {one.id: conversation_key(one.brand, one.channel, one.thread).encode() for one in posts}
    assert {identity: key for key, identity in written} == keys


async def test_each_partition_keeps_the_order_of_event_times(kafka: str, begin: datetime) -> None:
    await play(kafka, [post(begin + timedelta(seconds=number), f"t{number % 40}", number) for number in range(9000)])
    for pairs in (await played(kafka, begin)).values():
        times = [given.at if isinstance(given, Tick) else given.posted_at for _, given in pairs]
        assert times == sorted(times)


async def test_a_reply_is_written_after_the_mention_that_it_answers(kafka: str, begin: datetime) -> None:
    totals = await play(kafka, [post(begin + HOUR, reply=True), post(begin)])
    assert (totals.mentions, totals.replies) == (1, 1)
    kinds = [given.record for pairs in (await played(kafka, begin)).values() for _, given in pairs]
    assert [kind for kind in kinds if kind != "tick"] == ["mention", "public_reply"]


async def test_posts_count_as_received_when_they_were_posted(kafka: str, begin: datetime) -> None:
    await play(kafka, [post(begin)])
    found = [given for pairs in (await played(kafka, begin)).values() for _, given in pairs]
    assert [one.received_at for one in found if isinstance(one, Mention)] == [begin]


async def test_the_broker_keeps_old_posts_as_if_written_now(kafka: str, begin: datetime) -> None:
    before = int(time.time() * 1000)
    await play(kafka, [post(begin)])
    stamps = [record.timestamp for pairs in (await played(kafka, begin)).values() for record, _ in pairs]
    assert min(stamps) >= before


async def test_every_partition_is_told_the_time_past_the_last_deadline(kafka: str, begin: datetime) -> None:
    await play(kafka, [post(begin)])
    found = await played(kafka, begin)
    assert {pairs[-1][1].record for pairs in found.values()} == {"tick"}
    assert len(found) == Settings().partitions
    assert await log_time(kafka) == begin + HOUR


async def test_progress_is_told_up_to_all_posts(kafka: str, begin: datetime) -> None:
    told: list[tuple[int, int]] = []
    posts = [post(begin, f"t{number}", number) for number in range(3000)]
    await play(kafka, posts, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert 0 < told[0][0] < 3000
    assert told[-1] == (3000, 3000)


async def test_a_replay_at_a_speed_takes_the_event_time_divided_by_it(kafka: str, begin: datetime) -> None:
    started = time.monotonic()
    # Two hours of posts and one more until the last tick, at an hour in half a second.
    await play(kafka, [post(begin), post(begin + HOUR), post(begin + 2 * HOUR)], speed=7200)
    assert time.monotonic() - started >= 1.5


async def test_a_replay_into_a_log_of_a_later_time_is_refused(kafka: str, begin: datetime) -> None:
    await play(kafka, [post(begin)])
    with pytest.raises(ReplayError, match=r"past the file's first record .* TENFOUR_TICKS=replay"):
        await play(kafka, [post(begin + HOUR - timedelta(seconds=1))])


async def test_a_refused_replay_has_written_nothing(kafka: str, begin: datetime) -> None:
    await play(kafka, [post(begin)])
    before = sum(map(len, (await played(kafka, begin)).values()))
    with pytest.raises(ReplayError):
        await play(kafka, [post(begin)])
    assert sum(map(len, (await played(kafka, begin)).values())) == before


async def test_the_logs_time_is_found_behind_many_posts_without_ticks(kafka: str, begin: datetime) -> None:
    await play(kafka, [post(begin)])
    stray = OutgoingRecord(None, b"no record at all", [], 0)
    mentions = [OutgoingRecord(b"key", b"{}", [], int(time.time() * 1000))] * 3000
    async with open_producer(kafka) as producer:
        for partition in range(Settings().partitions):
            await write_records(producer, "mentions-raw", partition, [stray, *mentions])
    assert await log_time(kafka) == begin + HOUR


async def test_a_replay_with_another_number_of_partitions_is_refused(kafka: str, begin: datetime) -> None:
    with pytest.raises(TopicError, match="Set TENFOUR_PARTITIONS=8"):
        await replay(
            [post(begin)],
            Settings(bootstrap=kafka, partitions=5),
            last_deadline_after=HOUR,
            speed=None,
            clock=time.time,
        )


def test_ticks_go_on_past_the_longest_target_of_the_policy() -> None:
    policy = parse_policy(Path("policy.yaml").read_text(), "policy.yaml")
    assert span_after_last_post(policy) == timedelta(hours=25)
