from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.replay_schedule import Scheduled, paced, schedule
from schemas.ids import conversation_key
from schemas.records import Mention, PublicReply, Tick

PARTITIONS = 3
START = datetime(2020, 4, 1, 12, tzinfo=UTC)
LAST_DEADLINE_AFTER = timedelta(hours=4, seconds=1)


def partition_of(key: bytes) -> int:
    return crc32(key) % PARTITIONS


def scheduled(records: Iterable[Mention | PublicReply]) -> list[Scheduled]:
    return list(
        schedule(
            records,
            partitions=PARTITIONS,
            partition_of=partition_of,
            last_deadline_after=LAST_DEADLINE_AFTER,
        )
    )


def mention(post: str, minutes: float, thread: str = "7") -> Mention:
    at = START + timedelta(minutes=minutes)
    return Mention(
        id=post,
        brand="Acme",
        channel="forum",
        thread=thread,
        post=post,
        author="@user",
        text="Hello",
        posted_at=at,
        received_at=at + timedelta(days=400),
    )


def reply(post: str, minutes: float, thread: str = "7") -> PublicReply:
    fields = mention(post, minutes, thread).model_dump()
    return PublicReply.model_validate(fields | {"record": "public_reply", "author": "@Acme"})


def written_to(partition: int, items: Iterable[Scheduled]) -> list[Scheduled]:
    return [item for item in items if item.partition == partition]


def tick_times(partition: int, items: Iterable[Scheduled]) -> list[datetime]:
    return [item.at for item in written_to(partition, items) if isinstance(item.record, Tick)]


def posts_of(items: Iterable[Scheduled]) -> list[Mention | PublicReply]:
    return [item.record for item in items if not isinstance(item.record, Tick)]


@st.composite
def replays(draw: st.DrawFn) -> list[Mention | PublicReply]:
    minutes = st.one_of(st.integers(0, 600), st.sampled_from([0, 60, 120]), st.floats(0, 3000))
    posts = draw(st.lists(st.tuples(minutes, st.sampled_from("abcdef"), st.booleans()), min_size=1, max_size=15))
    return [(mention if is_mention else reply)(str(n), m, t) for n, (m, t, is_mention) in enumerate(posts)]


@given(replays())
@settings(deadline=None)
def test_every_record_is_written_once(records: list[Mention | PublicReply]) -> None:
    assert Counter(post.id for post in posts_of(scheduled(records))) == Counter(r.id for r in records)


@given(replays())
@settings(deadline=None)
def test_posts_are_written_in_the_order_of_their_times_and_of_the_file(records: list[Mention | PublicReply]) -> None:
    in_order = [(post.posted_at, int(post.id)) for post in posts_of(scheduled(records))]
    assert in_order == sorted(in_order)


@given(replays())
@settings(deadline=None)
def test_a_post_counts_as_received_when_posted_and_is_otherwise_unchanged(
    records: list[Mention | PublicReply],
) -> None:
    given_posts = {record.id: record for record in records}
    for post in posts_of(scheduled(records)):
        given_post = given_posts[post.id]
        assert post == given_post.model_copy(update={"received_at": given_post.posted_at})


@given(replays())
@settings(deadline=None)
def test_a_post_has_the_key_and_partition_of_its_conversation_and_a_tick_no_key(
    records: list[Mention | PublicReply],
) -> None:
    for item in scheduled(records):
        if isinstance(item.record, Tick):
            assert item.key is None
        else:
            key = conversation_key("Acme", "forum", item.record.thread).encode()
            assert (item.key, item.partition) == (key, partition_of(key))


@given(replays())
@settings(deadline=None)
def test_the_ticks_of_a_partition_strictly_increase(records: list[Mention | PublicReply]) -> None:
    items = scheduled(records)
    for partition in range(PARTITIONS):
        assert all(one < next_ for one, next_ in pairwise(tick_times(partition, items)))


@given(replays())
@settings(deadline=None)
def test_the_last_tick_before_a_post_in_its_partition_tells_its_time(records: list[Mention | PublicReply]) -> None:
    items = scheduled(records)
    for partition in range(PARTITIONS):
        known = None
        for item in written_to(partition, items):
            if isinstance(item.record, Tick):
                known = item.at
            else:
                assert known == item.at


@given(replays())
@settings(deadline=None)
def test_every_partition_has_ticks_at_least_hourly_from_the_first_post_on(
    records: list[Mention | PublicReply],
) -> None:
    items = scheduled(records)
    for partition in range(PARTITIONS):
        times = tick_times(partition, items)
        assert times[0] == min(record.posted_at for record in records)
        assert all(next_ - one <= timedelta(hours=1) for one, next_ in pairwise(times))


@given(replays())
@settings(deadline=None)
def test_every_partition_ends_with_a_tick_past_the_last_deadline(records: list[Mention | PublicReply]) -> None:
    items = scheduled(records)
    end = max(record.posted_at for record in records) + LAST_DEADLINE_AFTER
    for partition in range(PARTITIONS):
        assert written_to(partition, items)[-1] == Scheduled(partition, None, Tick(at=end))


@given(replays())
@settings(deadline=None)
def test_time_goes_on_over_all_partitions_together(records: list[Mention | PublicReply]) -> None:
    times = [item.at for item in scheduled(records)]
    assert times == sorted(times)


def test_nothing_comes_of_no_records() -> None:
    assert scheduled([]) == []


def test_posts_of_one_moment_share_a_tick() -> None:
    items = scheduled([mention("1", 0), reply("2", 0)])
    partition = partition_of(b"Acme:forum:7")
    kinds = [item.record.record for item in written_to(partition, items)[:4]]
    assert kinds == ["tick", "mention", "public_reply", "tick"]


def test_an_hourly_tick_stands_before_the_post_of_that_moment() -> None:
    items = scheduled([mention("1", 0), mention("2", 60)])
    partition = partition_of(b"Acme:forum:7")
    kinds = [item.record.record for item in written_to(partition, items)[:5]]
    assert kinds == ["tick", "mention", "tick", "mention", "tick"]


def test_at_a_speed_of_an_hour_a_second_each_item_waits_a_second_for_each_hour() -> None:
    items = paced(scheduled([mention("1", 0), mention("2", 90)]), 3600)
    waits = {item.record.id: wait for wait, item in items if isinstance(item.record, Mention)}
    assert waits == {"1": 0.0, "2": 1.5}


@given(replays(), st.floats(0.01, 1e9))
@settings(deadline=None)
def test_waits_never_decrease_and_begin_with_none(records: list[Mention | PublicReply], speed: float) -> None:
    waits = [wait for wait, _ in paced(scheduled(records), speed)]
    assert waits[0] == 0
    assert waits == sorted(waits)


def test_without_a_speed_nothing_waits() -> None:
    items = scheduled([mention("1", 0), mention("2", 90)])
    assert list(paced(items, None)) == [(0.0, item) for item in items]


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_not_above_0_is_refused_at_once(speed: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        paced([], speed)


def test_no_wait_between_two_posts_is_longer_than_asked() -> None:
    posts = [mention("1", 0), mention("2", 300 * 24 * 60)]
    waits = [due for due, item in paced(scheduled(posts), 3600.0, 0.5) if not isinstance(item.record, Tick)]
    assert waits == [0.0, 0.5]
