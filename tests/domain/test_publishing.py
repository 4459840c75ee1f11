"""What follows from a channel's answer: never a second post where the first may be there."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.back_off import BackOff
from domain.publishing import (
    Answer,
    Course,
    LookUpAfter,
    Post,
    PostAfter,
    Published,
    Refused,
    Rules,
    Step,
    Uncertain,
    first_step,
    given_up,
    next_step,
)

RULES = Rules(lookups=3, back_off=BackOff(1.0, 8.0))
BLIND = RULES._replace(can_look_up=False)
POST = Post("7", "https://channel.example/7", datetime(2026, 3, 2, 8, tzinfo=UTC))
NEW = Course()
UNTOLD = Course(posts=1, failures=1, untold=True)


def after_post(course: Course = NEW, rules: Rules = RULES, **answer: object) -> Step:
    return next_step(course, Answer("post", **answer), rules)[1]  # type: ignore[arg-type]


def after_look_up(course: Course = UNTOLD, **answer: object) -> Step:
    return next_step(course, Answer("look_up", **answer), RULES)[1]  # type: ignore[arg-type]


def test_a_new_reply_is_posted_at_once() -> None:
    assert first_step(Course(), RULES, 12) == PostAfter(0)


def test_what_another_worker_has_begun_is_looked_up_once_its_request_must_be_over() -> None:
    assert first_step(UNTOLD, RULES, 12) == LookUpAfter(12)
    assert isinstance(first_step(UNTOLD, BLIND, 12), Uncertain)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_published_with_what_the_channel_says_of_it(status: int) -> None:
    assert after_post(status=status, post=POST) == Published(POST)
    assert after_post(status=status) == Published(Post())


def test_what_never_left_is_posted_again_after_a_pause_that_doubles() -> None:
    course, step = next_step(Course(), Answer("post", sent=False), RULES)
    assert step == PostAfter(1)
    assert next_step(course, Answer("post", sent=False), RULES)[1] == PostAfter(2)


@pytest.mark.parametrize("status", [429, 503])
def test_a_channel_that_asks_for_time_gets_it(status: int) -> None:
    assert after_post(status=status, retry_after_s=30.0) == PostAfter(30)
    assert after_post(status=status, retry_after_s=10.0**9) == PostAfter(3600)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422])
def test_a_refusal_is_final(status: int) -> None:
    assert after_post(status=status) == Refused(f"the channel refused the reply with status {status}")


def test_a_refusal_after_a_request_that_was_not_answered_may_be_of_a_second_copy() -> None:
    assert isinstance(after_post(UNTOLD, status=422), Uncertain)


@pytest.mark.parametrize(
    "answer", [{}, {"status": 500}, {"status": 502}, {"status": 503}, {"status": 409}, {"status": 202}]
)
def test_what_an_answer_leaves_open_is_looked_up(answer: dict[str, int]) -> None:
    assert after_post(**answer) == LookUpAfter(1)  # type: ignore[arg-type]


def test_of_a_channel_that_cannot_be_asked_it_is_uncertain() -> None:
    found = after_post(rules=BLIND, status=500)
    assert found == Uncertain("the channel answered 500, and the channel can't be asked whether it has the reply")


def test_a_reply_that_is_found_is_published() -> None:
    assert after_look_up(status=200, post=POST) == Published(POST)


def test_a_reply_that_is_not_there_is_posted_again_with_its_key() -> None:
    assert after_look_up(status=404) == PostAfter(0)


@pytest.mark.parametrize("answer", [{}, {"status": 500}, {"status": 200}, {"status": 403}])
def test_a_look_up_that_says_nothing_is_repeated_and_then_a_person_looks(answer: dict[str, int]) -> None:
    course, steps = UNTOLD, list[Step]()
    for _ in range(3):
        course, step = next_step(course, Answer("look_up", **answer), RULES)  # type: ignore[arg-type]
        steps.append(step)
    assert [type(step) for step in steps] == [LookUpAfter, LookUpAfter, Uncertain]


def test_a_reply_that_waited_for_too_long_is_refused_only_if_it_cannot_be_there() -> None:
    assert given_up(Course(posts=3, failures=3), 60) == Refused("the reply could not be posted within 60 minutes")
    assert isinstance(given_up(UNTOLD, 60), Uncertain)


statuses = st.none() | st.sampled_from([200, 202, 301, 404, 409, 422, 429, 500, 503])
answers = st.builds(
    Answer,
    request=st.just("post"),
    status=statuses,
    sent=st.booleans(),
    retry_after_s=st.none() | st.floats(0, 10**6),
    post=st.none() | st.just(POST),
)


@given(st.lists(answers, max_size=30), st.booleans())
def test_after_a_request_that_may_have_been_done_nothing_is_posted_before_the_channel_says_that_it_has_not(
    log: list[Answer], can_look_up: bool
) -> None:
    rules = RULES._replace(can_look_up=can_look_up)
    course, step = Course(), first_step(Course(), rules, 5)
    open_question = False
    for answer in log:
        if isinstance(step, PostAfter):
            assert not open_question
            told = not answer.sent or (answer.status is not None and answer.status in (200, 301, 404, 422, 429))
            told = told or (answer.status == 503 and answer.retry_after_s is not None)
            open_question = not told
        elif isinstance(step, LookUpAfter):
            answer = answer._replace(request="look_up")
            open_question = open_question and answer.status != 404
        else:
            return
        course, step = next_step(course, answer, rules)


@given(st.integers(0, 10**6))
def test_a_pause_grows_and_has_an_end(failures: int) -> None:
    back_off = BackOff(0.5, 30.0)
    assert back_off.pause_s(0) == 0
    assert back_off.pause_s(failures) <= back_off.pause_s(failures + 1) <= 30
