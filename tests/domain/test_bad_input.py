"""What no sane source would send: each has an answer, and it is this one."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import Calendar, CalendarError, parse_calendar
from domain.clock import Clock
from domain.policy import PolicyError, parse_policy
from domain.routing import respond, route
from tests.domain.business_hours import at
from tests.domain.posts import NOON, POLICY_TEXT, classified, mention, policy, public_reply
from tests.domain.promises import answered, promising, wrote
from tests.domain.timer_log import Entry, events, minute, reply, start, stop, tick, told

DAY = 24 * 60


# Clocks that run backwards


def test_time_that_runs_backwards_is_ignored_and_takes_nothing_back() -> None:
    log: list[Entry] = [start(due=120), tick(91), tick(30), tick(90), tick(91), tick(121), tick(60)]
    assert told(*log) == ["started at 0", "at_risk at 90", "breached at 120"]


def test_a_worker_whose_clock_lags_behind_the_last_breaches_nothing_later_than_the_first_would() -> None:
    """Two workers take turns; the second's clock is an hour behind, until it has caught up."""
    log: list[Entry] = [tick(100), start(at=99, due=10), tick(40), tick(50), tick(110), tick(110.1)]
    assert told(*log)[-1] == "breached at 109"


def test_a_reply_that_the_channel_dates_before_the_complaint_is_no_answer_to_it() -> None:
    assert told(start(at=10, due=20), reply(at=9), tick(31))[-1] == "breached at 30"


# Starts in the future


def test_a_post_from_the_future_counts_from_when_it_came() -> None:
    """A channel's clock that runs ahead of ours would give the brand time that it has not."""
    ahead = route(classified(mention(posted_at=NOON + timedelta(days=1), received_at=NOON)), policy()).timer
    assert ahead is not None
    assert (ahead.started_at, ahead.due_at) == (NOON, NOON + timedelta(hours=2))


def test_a_reply_from_the_future_counts_from_when_it_came_and_can_be_in_time() -> None:
    ahead = respond(public_reply(posted_at=NOON + timedelta(days=1), received_at=NOON + timedelta(minutes=5)))
    begun = route(classified(mention()), policy()).timer
    assert begun is not None
    assert [event.kind for event in events(Clock(), [begun, ahead])][-1] == "met"


def test_a_start_that_lies_ahead_of_the_clock_waits_for_its_time() -> None:
    log = [tick(0), start(at=500, due=20), tick(400), tick(515.1), tick(520.1)]
    assert told(*log) == ["started at 500", "at_risk at 515", "breached at 520"]


def test_a_start_whose_due_time_lies_before_it_is_refused_with_its_name() -> None:
    clock, before = Clock(), Clock().digest()
    backwards = start(at=10).model_copy(update={"due_at": minute(5)})
    with pytest.raises(ValueError, match=f"timer start {backwards.id}: its times are out of order"):
        clock.fold(backwards)
    assert clock.digest() == before


# Replies for unknown conversations


def test_a_reply_to_nobody_is_told_to_nobody() -> None:
    assert told(tick(0), reply("Delta:x:elsewhere", at=1), tick(9 * DAY)) == []


def test_a_reply_whose_complaint_comes_later_is_its_answer() -> None:
    assert told(reply(at=30), tick(40), start(at=0)) == ["started at 0", "met at 30"]


def test_a_reply_whose_complaint_comes_more_than_eight_days_later_is_forgotten() -> None:
    assert told(tick(0), reply(at=30), tick(8 * DAY + 1), start(at=0))[-1] == "breached at 120"


def test_words_of_the_desk_on_a_conversation_that_nobody_opened_change_nothing() -> None:
    clock = Clock()
    assert told(stop("resolution", 5), stop("review", 5), clock=clock) == []
    assert clock.digest() == Clock().digest()


# Duplicate and reordered messages


def test_a_complaint_that_the_channel_delivers_three_times_has_one_clock() -> None:
    decided_by = promising()
    again = [wrote(decided_by, NOON)] * 3
    log: list[Entry] = [*again, answered(minute(5)), *again, answered(minute(5)), tick(4000)]
    assert [event.kind for event in events(Clock(), log) if event.target == "first_response"] == ["started", "met"]


def test_a_message_that_arrives_behind_a_later_one_belongs_to_its_question() -> None:
    """The clock runs from the one that came first: what had been promised for it is not taken back."""
    log = [start(at=30, mention="m2"), start(at=0, following=60), reply(at=140), tick(500)]
    assert told(*log) == ["started at 30", "met at 140"]


@given(st.permutations([0, 1, 2, 3]), st.booleans())
def test_messages_and_their_answer_in_any_order_end_with_nothing_owed(order: list[int], ticking: bool) -> None:
    facts = [start(at=0, following=60), start(at=5, following=60, mention="m2"), reply(at=30), reply(at=31, reply="r2")]
    log: list[Entry] = []
    for number in order:
        log += [facts[number], *([tick(40)] if ticking else [])]
    clock = Clock()
    assert {event.kind for event in events(clock, [*log, tick(500)])} == {"started", "met"}
    assert clock.open_cycles == 0


@given(st.randoms(use_true_random=False))
def test_replies_in_any_order_give_the_same_verdict(chance: Random) -> None:
    """A late one may come before one in time: the verdict is then corrected, and in the end the same."""
    replies = [reply(at=at, reply=f"r{at}") for at in (50, 110, 130, 200)]
    chance.shuffle(replies)
    found = events(Clock(), [start(due=120), *replies, tick(500)])
    assert found[-1].kind in ("met", "breach_corrected")


# Policies and calendars


def test_a_policy_that_names_a_team_that_does_not_exist_is_refused_where_it_does() -> None:
    text = POLICY_TEXT.replace("team: sales", "team: slaes")
    line = text[: text.index("team: slaes")].count("\n") + 1
    with pytest.raises(PolicyError) as refused:
        parse_policy(text, "policy.yaml")
    assert str(refused.value) == (
        f"policy.yaml:{line}: types.sales_inquiry.team: there is no team 'slaes'; did you mean sales?"
    )


def test_a_rule_for_a_team_that_does_not_exist_is_refused_too() -> None:
    text = POLICY_TEXT + "targets:\n  - {team: nobody, first_response_minutes: 5}\n"
    with pytest.raises(PolicyError, match=r"targets\[0\]\.team: there is no team 'nobody'; it can be: pr, product, "):
        parse_policy(text, "policy.yaml")


def closed_mondays(first: int, last: int) -> list[str]:
    """Every Monday of these years."""
    day, end, found = date(first, 1, 1), date(last, 12, 31), []
    while day <= end:
        if day.weekday() == 0:
            found.append(day.isoformat())
        day += timedelta(days=1)
    return found


def test_a_policy_whose_calendar_has_no_open_minute_in_a_year_is_refused_and_names_the_year() -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    holidays = {"extra": closed_mondays(2027, 2027)}
    raw["calendars"] = {
        "mondays": {"timezone": "Europe/Berlin", "open": {"mon": ["09:00-17:00"]}, "holidays": holidays}
    }
    with pytest.raises(PolicyError) as refused:
        parse_policy(yaml.safe_dump(raw), "policy.yaml")
    assert "calendars.mondays: has no open minute in 2027; set it to a calendar that opens in every year" in str(
        refused.value
    )


def test_a_calendar_without_any_hours_is_refused() -> None:
    with pytest.raises(CalendarError, match="open: has no interval on any day"):
        parse_calendar({"timezone": "Europe/Berlin", "open": {"mon": [], "tue": []}})


def test_a_mention_whose_target_would_never_be_due_is_refused_and_not_given_a_wrong_time() -> None:
    """A calendar from elsewhere, which no policy would have let in: route makes the mention a dead letter."""
    mondays = parse_calendar(
        {"timezone": "UTC", "open": {"mon": ["09:00-17:00"]}, "holidays": {"extra": closed_mondays(2026, 2028)}}
    )
    promised = promising({"timezone": "UTC", "open": {"mon": ["09:00-17:00"]}})
    closed = promised.model_copy(update={"calendars": dict[str, Calendar](hours=mondays)})
    with pytest.raises(CalendarError, match="nothing is open for 400 days after 2026-01-05 09:00 UTC"):
        wrote(closed, at("2026-01-05 09:00"))
