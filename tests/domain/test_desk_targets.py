"""The desk's own targets: what they take from the response that they serve, and that they add nothing to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.business_time import due, elapsed
from domain.calendars import Calendar
from domain.clock import Clock
from domain.desk_targets import Carved, Parent, carved
from domain.policy import Policy, parse_policy
from domain.targets import RiskLevel
from domain.working_time import WorkingTime
from schemas.records import DeskTarget, TimerStart
from tests.domain.business_hours import calendar
from tests.domain.posts import POLICY_TEXT, policy
from tests.domain.timer_log import events, start, stop, tick

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""09:00 in Berlin."""
CALENDARS: dict[str, Calendar] = {
    "berlin": calendar(),
    "sydney": calendar("Australia/Sydney", {"sun": ["00:00-24:00"], "fri": ["22:00-06:00"]}),
    "new york": calendar("America/New_York", country="US"),
}
TIME = WorkingTime(CALENDARS.get)
SHIPPED = policy()


def parent(minutes: int = 120, calendar: str = "24x7", started_at: datetime = MONDAY) -> Parent:
    found = CALENDARS.get(calendar)
    due_at = started_at + timedelta(minutes=minutes) if found is None else due(found, started_at, minutes)
    return Parent(minutes, started_at, due_at, calendar)


def asked(target: DeskTarget, of: Parent, after: float = 0, decided_by: Policy = SHIPPED) -> Carved:
    """The target as the desk asks for it so many minutes after the parent's start."""
    return carved(target, of, of.started_at + timedelta(minutes=after), decided_by, TIME)


def minutes_of(found: Carved) -> tuple[float, float]:
    """From the start: at risk first, and due."""
    moments = (found.times.at_risk_at, found.times.due_at)
    at_risk, due_ = ((moment - found.started_at) / timedelta(minutes=1) for moment in moments)
    return at_risk, due_


def levels(*said: RiskLevel) -> Policy:
    return SHIPPED.model_copy(update={"at_risk": said})


@pytest.mark.parametrize(("target", "minutes"), [("review", 12), ("approval", 30), ("escalation_ack", 30)])
def test_each_target_has_its_share_of_the_responses_minutes_from_when_it_is_asked(
    target: DeskTarget, minutes: int
) -> None:
    found = asked(target, parent(120), after=10)
    assert found.started_at == MONDAY + timedelta(minutes=10)
    assert minutes_of(found) == (0.75 * minutes, minutes)


def test_an_approval_that_is_asked_late_is_due_when_the_response_is() -> None:
    found = asked("approval", parent(120), after=110)
    assert minutes_of(found) == (7.5, 10)
    assert found.times.due_at == parent(120).due_at


def test_what_is_asked_at_the_last_moment_is_due_at_once() -> None:
    found = asked("approval", parent(120), after=120)
    assert (found.times.at_risk_at, found.times.due_at, found.budget) == (parent().due_at, parent().due_at, timedelta())


def test_a_breached_response_is_still_owed_so_its_approval_has_the_whole_share_from_now() -> None:
    assert minutes_of(asked("approval", parent(120), after=500)) == (22.5, 30)


def test_the_desk_works_in_the_hours_of_the_response() -> None:
    """480 minutes from 17:00 in Berlin, two hours of them for the approval: one is left that day."""
    found = asked("approval", parent(480, "berlin", MONDAY + timedelta(hours=8)), after=0)
    assert found.times.due_at == MONDAY + timedelta(days=1, hours=1)
    assert found.budget == timedelta(hours=2)


def test_what_is_asked_at_night_begins_to_count_in_the_morning() -> None:
    found = asked("review", parent(120, "berlin", MONDAY + timedelta(hours=10)), after=0)
    assert found.times.due_at == MONDAY + timedelta(days=1, minutes=12)


def test_a_desk_whose_time_lags_behind_the_mention_starts_with_it() -> None:
    found = asked("review", parent(120), after=-3)
    assert found.started_at == MONDAY
    assert minutes_of(found) == (9, 12)


def test_a_level_of_risk_that_the_share_is_too_short_for_is_left_out() -> None:
    both = levels(RiskLevel(minutes_before=15), RiskLevel(fraction=0.5))
    assert asked("review", parent(120), decided_by=both).times.at_risk_again == ()
    assert minutes_of(asked("review", parent(120), decided_by=both)) == (6, 12)
    approval = asked("approval", parent(240), decided_by=both)
    assert minutes_of(approval) == (30, 60)
    assert approval.times.at_risk_again == (MONDAY + timedelta(minutes=45),)


def started(target: DeskTarget, found: Carved, of: Parent) -> TimerStart:
    return start(target=target).model_copy(
        update=found.times.model_dump() | {"started_at": found.started_at, "calendar": of.calendar}
    )


def test_the_clock_runs_what_was_carved_and_tells_its_open_time() -> None:
    of = parent(480, "berlin", MONDAY + timedelta(hours=8))
    begun = started("approval", asked("approval", of), of)
    late = tick(0).model_copy(update={"at": of.due_at + timedelta(days=1)})
    breached = events(Clock(TIME), [begun, late])[-1]
    assert (breached.kind, breached.target, breached.due_at) == ("breached", "approval", begun.due_at)
    assert breached.elapsed_ms == 120 * 60_000


def test_an_approval_in_time_is_met_by_the_clock() -> None:
    of = parent()
    done = stop("approval", 0).model_copy(update={"stopped_at": MONDAY + timedelta(minutes=29)})
    assert events(Clock(TIME), [started("approval", asked("approval", of), of), done])[-1].kind == "met"


TARGETS: list[DeskTarget] = ["review", "approval", "escalation_ack"]
shares = st.floats(0.01, 0.32)
parents = st.builds(
    parent,
    st.integers(1, 3000),
    st.sampled_from(["24x7", *CALENDARS]),
    st.integers(0, 300 * 1440).map(lambda minute: MONDAY + timedelta(minutes=minute)),
)
policies = st.builds(
    lambda review, approval, escalation_ack, said: SHIPPED.model_copy(
        update={
            "desk": SHIPPED.desk.model_copy(
                update={"review": review, "approval": approval, "escalation_ack": escalation_ack}
            ),
            "at_risk": said,
        }
    ),
    shares,
    shares,
    shares,
    st.sampled_from(
        [
            (RiskLevel(fraction=0.75),),
            (RiskLevel(fraction=0.5), RiskLevel(minutes_before=15)),
            (RiskLevel(minutes_before=5), RiskLevel(minutes_before=30), RiskLevel(fraction=0.1)),
        ]
    ),
)
later = st.one_of(st.integers(0, 600_000_000), st.integers(0, 90 * 86_400_000)).map(
    lambda ms: timedelta(milliseconds=ms)
)


@settings(max_examples=200)
@given(parents, st.sampled_from(TARGETS), policies, later)
def test_no_desk_target_is_due_after_the_response_that_runs(
    of: Parent, target: DeskTarget, decided_by: Policy, after: timedelta
) -> None:
    now = of.started_at + after
    found = carved(target, of, now, decided_by, TIME)
    assert found.started_at == now
    if now <= of.due_at:
        assert found.times.due_at <= of.due_at


@settings(max_examples=200)
@given(parents, st.sampled_from(TARGETS), policies, later)
def test_its_times_are_in_order_and_its_budget_is_open_time(
    of: Parent, target: DeskTarget, decided_by: Policy, after: timedelta
) -> None:
    found = carved(target, of, of.started_at + after, decided_by, TIME)
    moments = [found.started_at, found.times.at_risk_at, *found.times.at_risk_again, found.times.due_at]
    assert moments == sorted(moments)
    always = calendar(hours="24x7")
    assert elapsed(CALENDARS.get(of.calendar, always), found.started_at, found.times.due_at) == found.budget


@settings(max_examples=200)
@given(parents, st.sampled_from(TARGETS), policies, later)
def test_its_budget_is_the_share_unless_less_is_left(
    of: Parent, target: DeskTarget, decided_by: Policy, after: timedelta
) -> None:
    now = of.started_at + after
    found = carved(target, of, now, decided_by, TIME)
    share = timedelta(minutes=of.minutes) * decided_by.desk.share(target)
    share -= timedelta(microseconds=share.microseconds % 1000)
    always = calendar(hours="24x7")
    left = elapsed(CALENDARS.get(of.calendar, always), now, of.due_at) if now <= of.due_at else share
    assert found.budget == min(share, left)


@given(parents, policies)
def test_one_after_the_other_they_leave_time_for_the_answer(of: Parent, decided_by: Policy) -> None:
    now = of.started_at
    for target in TARGETS:
        now = carved(target, of, now, decided_by, TIME).times.due_at
    assert now < of.due_at


def refused(desk: str) -> str:
    line = "desk: {review: 0.1, approval: 0.25, escalation_ack: 0.25}"
    assert line in POLICY_TEXT
    with pytest.raises(ValueError, match=r"policy\.yaml") as error:
        parse_policy(POLICY_TEXT.replace(line, f"desk: {desk}"), "policy.yaml")
    return str(error.value)


@pytest.mark.parametrize("desk", ["{review: 0.5, approval: 0.25, escalation_ack: 0.25}", "{review: 0.6}"])
def test_shares_that_leave_no_time_for_the_answer_are_refused(desk: str) -> None:
    line = next(number for number, text in enumerate(POLICY_TEXT.splitlines(), 1) if text.startswith("desk:"))
    assert refused(desk) == (
        f"policy.yaml:{line}: desk: has shares that together leave no time for the answer; set it to shares that are"
        " together less than 1, such as {review: 0.1, approval: 0.25}"
    )


@pytest.mark.parametrize("share", ["0", "1", "-0.1", ".nan", "yes", "a half"])
def test_a_share_is_a_number_between_0_and_1(share: str) -> None:
    assert "desk.review: " in (told := refused(f"{{review: {share}}}"))
    assert told.endswith("; set it to a share of the minutes, such as 0.1")


def test_a_policy_that_says_nothing_of_the_desk_has_the_shipped_shares() -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    shipped = raw.pop("desk")
    assert parse_policy(yaml.safe_dump(raw), "policy.yaml").desk.model_dump() == shipped
