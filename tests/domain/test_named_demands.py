"""What users of response desks have asked for by name, each from the post to the verdict, in the policy's own words.

5 January 2026 is a Monday; Berlin is then an hour ahead of UTC.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.clock import Clock
from domain.cycle_state import decode_case
from domain.policy import Policy
from domain.recompute import recomputed
from schemas.records import SlaEvent
from tests.domain.business_hours import OFFICE, at
from tests.domain.promises import answered, clock_shows, promising, wrote
from tests.domain.timer_log import Entry, events, stop

BERLIN = {"timezone": "Europe/Berlin", "open": OFFICE}
MILLISECOND = timedelta(milliseconds=1)


def verdicts(policy: Policy, *log: Entry, clock: Clock | None = None) -> list[tuple[str, str, str]]:
    """Target, verdict, and when in UTC."""
    told = events(clock or Clock(policy.time), log)
    ends = ("met", "breached", "breach_corrected")
    return [(event.target, event.kind, f"{event.at:%a %d %H:%M}") for event in told if event.kind in ends]


def test_the_lunch_break_of_a_day_with_several_intervals_is_nobodys_delay() -> None:
    policy = promising(BERLIN, first_response=60)
    asked = wrote(policy, at("2026-01-05 12:00+01:00"))
    assert verdicts(policy, asked, answered(at("2026-01-05 14:00+01:00"))) == [
        ("first_response", "met", "Mon 05 13:00")
    ]
    late = clock_shows(at("2026-01-05 14:00+01:00") + MILLISECOND)
    assert verdicts(policy, asked, late) == [("first_response", "breached", "Mon 05 13:00")]


def test_what_is_asked_on_christmas_eve_waits_for_the_day_after_the_holidays() -> None:
    holidays = {"country": "DE", "subdivision": "BE", "extra": ["2026-12-24"]}
    policy = promising({**BERLIN, "holidays": holidays}, first_response=120)
    asked = wrote(policy, at("2026-12-23 17:00+01:00"))
    assert verdicts(policy, asked, clock_shows(at("2026-12-28 09:00Z"))) == []
    assert verdicts(policy, asked, clock_shows(at("2026-12-28 09:00Z") + MILLISECOND)) == [
        ("first_response", "breached", "Mon 28 09:00")
    ]


SUNDAY_NIGHT = {"sun": ["01:00-05:00"]}


@pytest.mark.parametrize(
    ("zone", "saturday", "due"),
    [
        # An hour is skipped in the night, so the fourth hour is that of the next Sunday.
        ("Europe/Berlin", "2026-03-28", "2026-04-05 02:00+02:00"),
        ("America/New_York", "2026-03-07", "2026-03-15 02:00-04:00"),
        ("Australia/Sydney", "2026-10-03", "2026-10-11 02:00+11:00"),
        ("Pacific/Auckland", "2026-09-26", "2026-10-04 02:00+13:00"),
        # An hour comes twice, so four hours have passed at what the wall calls 04:00.
        ("Europe/Berlin", "2026-10-24", "2026-10-25 04:00+01:00"),
        ("America/New_York", "2026-10-31", "2026-11-01 04:00-05:00"),
        ("Australia/Sydney", "2026-04-04", "2026-04-05 04:00+10:00"),
        ("Pacific/Auckland", "2026-04-04", "2026-04-05 04:00+12:00"),
    ],
)
def test_a_promise_over_a_night_in_which_clocks_change_has_its_real_hours(zone: str, saturday: str, due: str) -> None:
    policy = promising({"timezone": zone, "open": SUNDAY_NIGHT}, first_response=240)
    asked = wrote(policy, at(f"{saturday} 02:00"))
    assert asked.due_at == at(due)
    assert [kind for _, kind, _ in verdicts(policy, asked, answered(at(due)))] == ["met"]
    assert [kind for _, kind, _ in verdicts(policy, asked, answered(at(due) + MILLISECOND))] == ["breached"]


def changed(clock: Clock, policy: Policy, when: Any) -> list[SlaEvent]:
    """What an operator's `tenfour sla recompute` makes the clock tell."""
    ((key, state),) = clock._states.items()
    return events(clock, recomputed(key.decode(), decode_case(state), policy, when, "new contract"))


def test_waiting_for_the_customer_survives_a_change_of_policy() -> None:
    """An hour had passed until the answer; the customer took two days, in which the promise became three hours."""
    before, after = (promising(resolution=minutes) for minutes in (600, 180))
    clock = Clock(before.time)
    told = [
        wrote(before, at("2026-01-05 09:00")),
        answered(at("2026-01-05 10:00")),
        clock_shows(at("2026-01-06 12:00")),
    ]
    events(clock, told)
    superseded, *_ = changed(clock, after, at("2026-01-06 12:00"))
    assert (superseded.kind, superseded.elapsed_ms) == ("superseded", 3_600_000)
    again = [wrote(before, at("2026-01-07 10:00"), "mention-2"), clock_shows(at("2026-01-07 12:00") + MILLISECOND)]
    assert ("resolution", "breached", "Wed 07 12:00") in verdicts(after, *again, clock=clock)


def test_a_change_of_policy_that_nobody_applies_leaves_running_promises_alone() -> None:
    """A new version of the policy decides for new mentions only."""
    before, after = promising(first_response=120), promising(first_response=10)
    log = [wrote(before, at("2026-01-05 09:00")), wrote(after, at("2026-01-05 09:01"), "mention-2")]
    assert verdicts(before, *log, clock_shows(at("2026-01-05 11:00"))) == []


def test_thanks_after_the_case_was_closed_open_nothing_and_a_new_trouble_reopens_it_with_a_clock_of_its_own() -> None:
    """The reopened case has a next response, due two hours after the new message, and not a first one long overdue."""
    policy = promising()
    closed = [
        wrote(policy, at("2026-01-05 09:00")),
        answered(at("2026-01-05 09:30")),
        stop("resolution", 0, "Delta:x:thread%201", "mention-1").model_copy(
            update={"stopped_at": at("2026-01-05 10:00")}
        ),
    ]
    thanks = wrote(policy, at("2026-01-05 10:05"), "mention-2").model_copy(update={"next_response": None})
    clock = Clock(policy.time)
    assert len(verdicts(policy, *closed, thanks, clock_shows(at("2026-01-07 09:00")), clock=clock)) == 2
    told = events(clock, [wrote(policy, at("2026-01-08 09:00"), "mention-3")])
    assert [(event.target, event.kind) for event in told] == [
        ("next_response", "started"),
        ("next_response", "reopened"),
    ]
    assert told[0].due_at == at("2026-01-08 11:00")
    assert verdicts(policy, answered(at("2026-01-08 10:59"), "reply-2"), clock=clock) == [
        ("next_response", "met", "Thu 08 10:59")
    ]


def test_a_trouble_after_the_days_is_a_new_case_that_names_the_old() -> None:
    policy = promising()
    closed = stop("resolution", 0, "Delta:x:thread%201", "mention-1").model_copy(
        update={"stopped_at": at("2026-01-05 10:00")}
    )
    clock = Clock(policy.time)
    events(clock, [wrote(policy, at("2026-01-05 09:00")), answered(at("2026-01-05 09:30")), closed])
    opened = events(clock, [wrote(policy, at("2026-01-10 10:00") + MILLISECOND, "mention-2")])
    assert [(event.target, event.kind, event.linked) for event in opened] == [
        ("first_response", "started", "mention-1"),
        ("resolution", "started", "mention-1"),
    ]
