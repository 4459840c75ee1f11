"""How the stages fare, from two looks at them."""

from __future__ import annotations

from streams.progress import StageLag
from tenfour.stage_status import Look, StageStatus, stage_statuses, together


def look(at: float, *lags: StageLag) -> Look:
    return Look(at, lags, {}, 0.5)


def test_the_topics_of_a_stage_are_one_line() -> None:
    lags = [
        StageLag("desk", "desk-inbox", {0: 1, 1: 2}, done=5, oldest_s=0.5),
        StageLag("project", "mentions-raw", {0: 3}, done=7, oldest_s=2.0),
        StageLag("project", "sla-events", {0: 0}, done=1),
    ]
    desk, project = together(lags, {"desk": 2})
    assert desk == StageStatus("desk", ("desk-inbox",), members=2, lag=3, oldest_s=0.5)
    assert project == StageStatus("project", ("mentions-raw", "sla-events"), members=0, lag=3, oldest_s=2.0)
    assert (desk.reads, project.reads) == ("desk-inbox", "2 topics")


def test_the_pace_is_what_was_committed_between_two_looks() -> None:
    first, second = (look(at, StageLag("desk", "desk-inbox", {0: 0}, done=done)) for at, done in ((10.0, 5), (12.0, 9)))
    (status,) = stage_statuses(second, first)
    assert (status.per_second, status.oldest_s) == (2.0, None)


def test_a_topic_that_was_made_anew_has_no_pace() -> None:
    first, second = (look(at, StageLag("desk", "desk-inbox", {0: 0}, done=done)) for at, done in ((10.0, 5), (12.0, 1)))
    assert stage_statuses(second, first)[0].per_second is None


def test_two_looks_at_once_tell_no_pace() -> None:
    once = look(10.0, StageLag("desk", "desk-inbox", {0: 0}, done=5))
    assert stage_statuses(once, once)[0].per_second is None
