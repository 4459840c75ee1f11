"""What follows from what a channel answers: posted, refused, try again, look it up, or a person must see to it.

A reply's id is its idempotency key, and what can't be told is looked up before it is posted again. The rule is pure: it
is told what was asked and what came back, and says what to do next.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from domain.back_off import BackOff

TOO_MANY: Final = 429
UNAVAILABLE: Final = 503
ACCEPTED: Final = 202
NOT_FOUND: Final = 404
UNTOLD: Final = frozenset({408, 409, 425})
"""Refusals that don't say whether an earlier request with the same key was done."""
MAX_WAIT_S: Final = 3600.0
"""However long a channel asks to be left alone."""


class Post(NamedTuple):
    """What a channel says of a post that it has. None: it doesn't say."""

    id: str | None = None
    url: str | None = None
    posted_at: datetime | None = None


class Answer(NamedTuple):
    """What came of one request to the channel."""

    request: Literal["post", "look_up"]
    status: int | None = None
    """Of HTTP; None where no answer came."""
    sent: bool = True
    """Whether any of the request may have reached the channel."""
    retry_after_s: float | None = None
    post: Post | None = None
    """What the body says of the post, if it says anything."""
    error: str = ""
    """What went wrong where no answer came, in a few words and without the address."""


@dataclass(frozen=True)
class Course:
    """How the publishing of one reply has gone so far."""

    posts: int = 0
    """Requests to post, of this worker and those before it."""
    failures: int = 0
    """Requests in a row that brought nothing."""
    lookups: int = 0
    """Look-ups in a row that brought nothing."""
    untold: bool = False
    """Whether a request may have been done although no answer says so."""


class Rules(NamedTuple):
    """`lookups`: tries of a look-up before a person sees to it. `can_look_up`: whether the channel answers them."""

    lookups: int = 5
    can_look_up: bool = True
    back_off: BackOff = BackOff()


class PostAfter(NamedTuple):
    """Post it, with the same key, in so many seconds."""

    seconds: float


class LookUpAfter(NamedTuple):
    """Ask the channel whether it has it, in so many seconds."""

    seconds: float


class Published(NamedTuple):
    post: Post


class Refused(NamedTuple):
    """It is not on the channel, and won't be."""

    reason: str


class Uncertain(NamedTuple):
    """Nobody knows whether it is on the channel. A person looks."""

    reason: str


Step = PostAfter | LookUpAfter | Published | Refused | Uncertain


def first_step(course: Course, rules: Rules, rest_s: float) -> Step:
    """`rest_s`: seconds after which no request of an earlier worker can be under way any more."""
    if not course.untold:
        return PostAfter(0.0)
    if not rules.can_look_up:
        return Uncertain("a worker ended while it posted the reply, and the channel can't be asked")
    return LookUpAfter(rest_s)


def next_step(course: Course, answer: Answer, rules: Rules) -> tuple[Course, Step]:
    """The course with the answer in it, and what to do."""
    if answer.request == "look_up":
        return _after_look_up(course, answer, rules)
    return _after_post(replace(course, posts=course.posts + 1), answer, rules)


def given_up(course: Course, minutes: float) -> Refused | Uncertain:
    """The reply has waited for too long."""
    if course.untold:
        return Uncertain(f"the channel did not say within {minutes:g} minutes whether it has posted the reply")
    return Refused(f"the reply could not be posted within {minutes:g} minutes")


def _after_post(course: Course, answer: Answer, rules: Rules) -> tuple[Course, Step]:
    status = answer.status
    if status is not None and 200 <= status < 300 and status != ACCEPTED:
        return course, Published(answer.post or Post())
    if not answer.sent or status == TOO_MANY or (status == UNAVAILABLE and answer.retry_after_s is not None):
        failed = replace(course, failures=course.failures + 1)
        return failed, PostAfter(_pause_s(failed, answer, rules))
    if status is not None and 300 <= status < 500 and status not in UNTOLD:
        return course, _refused(course, status)
    untold = replace(course, untold=True, failures=course.failures + 1, lookups=0)
    if not rules.can_look_up:
        return untold, Uncertain(f"{_told(answer)}, and the channel can't be asked whether it has the reply")
    return untold, LookUpAfter(_pause_s(untold, answer, rules))


def _after_look_up(course: Course, answer: Answer, rules: Rules) -> tuple[Course, Step]:
    if answer.status == 200 and answer.post is not None:
        return course, Published(answer.post)
    if answer.status == NOT_FOUND:
        return replace(course, lookups=0), PostAfter(0.0)
    failed = replace(course, lookups=course.lookups + 1, failures=course.failures + 1)
    if failed.lookups >= rules.lookups:
        return failed, Uncertain(f"{_told(answer)} when asked {failed.lookups} times whether it has the reply")
    return failed, LookUpAfter(_pause_s(failed, answer, rules))


def _refused(course: Course, status: int) -> Refused | Uncertain:
    """Of a reply that may be there already, a channel also refuses the second copy."""
    if course.untold:
        return Uncertain(f"the channel refused the reply with status {status}, after a request that it did not answer")
    return Refused(f"the channel refused the reply with status {status}")


def _pause_s(course: Course, answer: Answer, rules: Rules) -> float:
    """As long as the channel asks for, if that is longer."""
    return max(rules.back_off.pause_s(course.failures), min(answer.retry_after_s or 0.0, MAX_WAIT_S))


def _told(answer: Answer) -> str:
    if answer.status is None:
        return f"the channel did not answer ({answer.error})" if answer.error else "the channel did not answer"
    if answer.status in (200, ACCEPTED):
        return f"the channel answered {answer.status} without saying that it has posted"
    return f"the channel answered {answer.status}"
