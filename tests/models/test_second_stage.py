import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mention_model import NOTHING_TO_READ, MentionModel, Reading
from models.score_queue import ScoreQueue
from models.second_stage import SecondStage, least_sure, with_second

SURE = "@AcmeCare my order never arrived and nobody answers my emails"
UNSURE = "@AcmeCare so the new one is out, is it any better than the last one lol"
ABOVE_ALL = 1.01


def reading(likeliest: float, **changes: bool) -> Reading:
    rest = (1 - likeliest) / 5
    return Reading((0.2, 0.7, 0.1), (likeliest, rest, rest, rest, rest, rest))._replace(**changes)


readings = st.builds(reading, st.floats(1 / 6, 1), readable=st.booleans())


def between(model: MentionModel) -> float:
    """A threshold that parts the sure text from the other."""
    sure, unsure = (max(found.type) for found in model.read([SURE, UNSURE]))
    assert unsure < sure
    return (unsure + sure) / 2


def test_those_below_the_threshold_are_read_again() -> None:
    assert least_sure([reading(0.9), reading(0.4), reading(0.6), reading(0.59)], 0.6) == [1, 3]


@given(st.lists(readings, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_reads_the_same_again_and_more(found: list[Reading], first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert set(least_sure(found, low)) <= set(least_sure(found, high))


@given(st.lists(readings, max_size=30))
def test_a_threshold_above_all_reads_whatever_can_be_read(found: list[Reading]) -> None:
    assert least_sure(found, ABOVE_ALL) == [place for place, one in enumerate(found) if one.readable]
    assert least_sure(found, 0.0) == []


@given(st.lists(readings, min_size=1, max_size=30), st.data())
def test_the_second_reading_takes_the_place_of_the_first_and_the_others_stay(
    first: list[Reading], data: st.DataObject
) -> None:
    places = data.draw(st.sets(st.integers(0, len(first) - 1)))
    second = {place: reading(0.8) for place in places}
    merged = with_second(first, second)
    for place, found in enumerate(merged):
        assert found == (second[place]._replace(read_again=True) if place in places else first[place])


def test_only_doubtful_texts_are_read_again(model: MentionModel) -> None:
    second = SecondStage(model, between(model))
    texts = [SURE, "", UNSURE, SURE]
    first = model.read(texts)
    found = second.read_again(texts, first)
    assert [one.read_again for one in found] == [False, False, True, False]
    assert [one._replace(read_again=False) for one in found] == first
    assert found[1] == NOTHING_TO_READ


def test_nothing_doubtful_means_that_nothing_is_read_again(model: MentionModel) -> None:
    assert SecondStage(model, 0.0).read_again([UNSURE], model.read([UNSURE])) == model.read([UNSURE])
    assert SecondStage(model, 1.0).read_again([], []) == []


async def test_requests_with_and_without_a_second_look_each_get_what_they_asked_for(model: MentionModel) -> None:
    runs: list[int] = []
    queue = ScoreQueue(model, lambda texts, _: runs.append(texts), SecondStage(model, ABOVE_ALL))
    try:
        wishes = [True, True, False, True]
        found = await asyncio.gather(*(queue.read([SURE, UNSURE], again=again) for again in wishes))
    finally:
        queue.close()
    assert [[one.read_again for one in answer] for answer in found] == [[again] * 2 for again in wishes]
    assert runs == [4, 2, 2]


async def test_a_queue_without_a_second_model_has_nothing_to_read_again_with(model: MentionModel) -> None:
    queue = ScoreQueue(model)
    try:
        (found,) = await queue.read([UNSURE], again=True)
    finally:
        queue.close()
    assert not found.read_again


@pytest.mark.parametrize("again", [True, False])
async def test_what_a_model_raises_reaches_who_asked_and_the_queue_goes_on(model: MentionModel, again: bool) -> None:
    queue = ScoreQueue(model, second=SecondStage(model, ABOVE_ALL))
    try:
        with pytest.raises(TypeError):
            await queue.read([None], again=again)  # type: ignore[list-item]
        assert len(await queue.read([SURE], again=again)) == 1
    finally:
        queue.close()
