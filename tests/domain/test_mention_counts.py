"""Summing batches of mentions."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.mention_counts import BatchPlace, brand_key, partial_counts
from schemas.ids import conversation_key
from schemas.records import ClassifiedMention, MentionCount
from tests.domain.posts import NOON, classified, mention

PLACE = BatchPlace("mentions-classified", 3, 100, 199)
posts = st.builds(
    lambda brand, seconds, type_: classified(mention(brand, NOON + timedelta(seconds=seconds)), type_),
    st.sampled_from(["Delta", "Über & Co"]),
    st.integers(-90, 0),
    st.sampled_from(["spam", "customer_complaint"]),
)
Sum = Counter[tuple[str, str, str, str]]


def summed(counts: list[MentionCount]) -> Sum:
    total: Sum = Counter()
    for counted in counts:
        total[counted.brand, counted.type, counted.sentiment, counted.minute.isoformat()] += counted.count
    return total


@given(st.lists(posts))
def test_every_mention_is_counted_once(batch: list[ClassifiedMention]) -> None:
    assert summed(partial_counts(batch, PLACE)).total() == len(batch)


@given(st.lists(posts), st.integers(0, 20))
def test_the_sum_does_not_depend_on_where_batches_end(batch: list[ClassifiedMention], cut: int) -> None:
    parts = partial_counts(batch[:cut], PLACE) + partial_counts(batch[cut:], PLACE)
    assert summed(parts) == summed(partial_counts(batch, PLACE))


@given(st.lists(posts))
def test_what_is_alike_is_one_count_and_a_repeat_has_the_same_ids(batch: list[ClassifiedMention]) -> None:
    counts = partial_counts(batch, PLACE)
    assert len({counted.id for counted in counts}) == len(counts) == len(summed(counts))
    assert partial_counts(batch, PLACE) == counts


def test_the_same_mentions_elsewhere_have_other_ids() -> None:
    batch = [classified(mention())]
    others = [PLACE._replace(partition=4), PLACE._replace(first_offset=99), PLACE._replace(last_offset=200)]
    assert len({partial_counts(batch, place)[0].id for place in (PLACE, *others)}) == 4


def test_a_mention_counts_in_the_minute_of_its_post() -> None:
    late = mention(posted_at=NOON - timedelta(minutes=3, seconds=1), received_at=NOON)
    assert partial_counts([classified(late)], PLACE)[0].minute == NOON - timedelta(minutes=4)


def test_a_post_from_the_future_counts_in_the_minute_in_which_it_was_received() -> None:
    ahead = mention(posted_at=NOON + timedelta(days=365), received_at=NOON)
    assert partial_counts([classified(ahead)], PLACE)[0].minute == NOON


def test_the_key_of_a_brand_is_written_as_in_a_conversation_s() -> None:
    assert conversation_key("Über & Co:1", "x", "7").encode() == brand_key("Über & Co:1") + b":x:7"
