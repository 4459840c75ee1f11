"""When the desk's own targets are due: each is carved out of the response that it serves, and adds nothing to it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from domain.instants import from_ms, to_ms
from domain.policy import Policy
from domain.targets import offset_of, times
from domain.working_time import WorkingTime
from schemas.records import DeskTarget, TargetTimes

_MILLISECOND = timedelta(milliseconds=1)


class Parent(NamedTuple):
    """The cycle that the desk's target serves, as it runs now. `calendar` is a version, see `calendar_version`."""

    minutes: int
    started_at: datetime
    due_at: datetime
    calendar: str


class Carved(NamedTuple):
    """A target of the desk, ready for its `TimerStart`, which needs no `minutes`: the clock counts them itself."""

    started_at: datetime
    times: TargetTimes
    budget: timedelta
    """Open time from the start to the due time."""


def carved(target: DeskTarget, parent: Parent, now: datetime, policy: Policy, time: WorkingTime) -> Carved:
    """The target as it starts now: the policy's share of the parent's minutes, in the parent's calendar.

    While the parent runs, at most what is left of it: both are due together then. A parent that is breached leaves
    nothing to carve from, and its answer is still owed: the whole share counts from now. A start before the parent's
    is moved there. Levels of risk are those of the policy, of the budget that is left. Instants are floored to
    milliseconds, as the clock's are. Raises UnknownCalendar.
    """
    begun, due = to_ms(max(now, parent.started_at)), to_ms(parent.due_at)
    budget = timedelta(minutes=parent.minutes) * policy.desk.share(target) // _MILLISECOND
    if begun <= due:
        budget = min(budget, time.between(parent.calendar, begun, due))
    started_at, length = from_ms(begun), budget * _MILLISECOND
    return Carved(started_at, times(offset_of(length, policy.at_risk), started_at, parent.calendar, time), length)
