"""Cases as customers live through them: later messages, resolution, reopening, corrections, causes of misses."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from domain.calendars import Calendar, parse_calendar
from domain.clock import Clock
from domain.working_time import UnknownCalendar, WorkingTime
from schemas.records import SlaEvent, TargetTimes
from tests.domain.timer_log import (
    Entry,
    State,
    StoppedTarget,
    cancel,
    compacted,
    events,
    minute,
    owner,
    reply,
    restored,
    start,
    stop,
    supersede,
    tick,
    told,
)

DAY = 24 * 60
BERLIN: Calendar = parse_calendar(
    {"timezone": "Europe/Berlin", "open": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
)


def last(*log: Entry) -> SlaEvent:
    return events(Clock(), log)[-1]


def breach(*log: Entry) -> SlaEvent:
    (found,) = [event for event in events(Clock(), log) if event.kind == "breached"]
    return found


# The next response


def test_a_message_after_the_answer_starts_the_next_response() -> None:
    log = [start(following=60), reply(at=10), start(at=30, following=60, mention="m2"), tick(80), tick(91)]
    assert told(*log)[2:] == [
        "next_response started at 30",
        "next_response at_risk at 75",
        "next_response breached at 90",
    ]


def test_the_next_response_counts_from_the_first_message_without_an_answer() -> None:
    messages = [start(at=at, following=60, mention=f"m{at}") for at in (30, 40, 50)]
    told_ = told(start(), reply(at=10), *messages, reply(at=85, reply="r2"), tick(500))
    assert told_[2:] == ["next_response started at 30", "next_response met at 85"]


def test_a_message_that_asks_for_no_answer_starts_nothing() -> None:
    assert told(start(), reply(at=10), start(at=30, mention="m2"), tick(500))[2:] == []


def test_a_message_behind_an_answer_that_was_posted_before_it_gets_its_own_clock() -> None:
    """The reply answers what it could have seen: the second message came after it, and is not lost."""
    log = [start(), start(at=20, following=60, mention="m2"), reply(at=10), tick(81)]
    assert told(*log)[1:] == ["met at 10", "next_response started at 20", "next_response breached at 80"]


def test_a_message_that_arrives_after_its_answer_starts_nothing() -> None:
    assert told(start(), reply(at=50), start(at=40, following=60, mention="m2"), tick(500))[2:] == []


def test_a_repeated_message_starts_nothing_however_late_it_is_repeated() -> None:
    first, second = start(following=60), start(at=30, following=60, mention="m2")
    log = [first, first, reply(at=10), first, second, second, tick(91), second, reply(at=95, reply="r2"), second, first]
    kinds = [line for line in told(*log) if "started" in line]
    assert kinds == ["started at 0", "next_response started at 30"]


def test_after_a_breach_the_customer_still_waits_and_no_second_clock_runs() -> None:
    log = [start(due=20), tick(21), start(at=30, following=60, mention="m2"), tick(500)]
    assert told(*log) == ["started at 0", "breached at 20"]
    assert told(*log, reply(at=501), start(at=502, following=60, mention="m3"))[-1] == "next_response started at 502"


def test_of_very_many_messages_behind_the_first_the_last_is_not_forgotten() -> None:
    many = [start(at=at, following=60, mention=f"m{at}") for at in range(1, 100)]
    assert told(start(), *many, reply(at=98))[-1] == "next_response started at 99"


def test_an_automatic_reply_is_no_answer() -> None:
    assert told(start(due=20), reply(at=1, automatic=True), tick(21))[-1] == "breached at 20"
    assert told(reply(at=1, automatic=True), start(due=20), tick(21))[-1] == "breached at 20"


# Levels of risk


def test_each_level_of_risk_is_told_once_and_by_number() -> None:
    found = events(Clock(), [start(due=100, levels=(0.5, 0.75, 0.9)), tick(51), tick(52), tick(76), tick(91), tick(92)])
    assert [(event.at, event.level) for event in found[1:]] == [(minute(50), 1), (minute(75), 2), (minute(90), 3)]
    assert len({event.id for event in found}) == 4


def test_of_the_levels_that_one_tick_passes_the_latest_is_told() -> None:
    found = events(Clock(), [start(due=100, levels=(0.5, 0.75, 0.9)), tick(80), tick(95)])
    assert [event.level for event in found[1:]] == [2, 3]


# The resolution


def test_a_resolution_stands_still_while_the_customer_has_the_word() -> None:
    log = [start(resolution=100), reply(at=10), start(at=1000, following=200, mention="m2"), tick(1089), tick(1091)]
    told_ = [line for line in told(*log) if line.startswith("resolution")]
    assert told_ == ["resolution started at 0", "resolution at_risk at 1065", "resolution breached at 1090"]


def test_a_resolved_case_is_met() -> None:
    log: list[Entry] = [start(resolution=100), reply(at=10), stop("resolution", 5000), tick(9000)]
    resolved = events(Clock(), log)[-1]
    assert (resolved.target, resolved.kind, resolved.at, resolved.elapsed_ms) == (
        "resolution", "met", minute(5000), 10 * 60_000,
    )  # fmt: skip


def test_a_case_that_is_resolved_too_late_was_breached() -> None:
    assert told(start(resolution=100), stop("resolution", 101))[-1] == "resolution breached at 100"


def test_a_case_whose_customer_never_writes_again_is_resolved_by_its_last_answer() -> None:
    assert told(tick(0), start(resolution=100), reply(at=10), tick(8 * DAY + 11))[-1] == "resolution met at 10"


def test_thanks_do_not_set_the_resolution_going_again() -> None:
    log = [start(resolution=100), reply(at=10), start(at=20, mention="thanks"), tick(5000)]
    assert [line for line in told(*log) if "resolution" in line] == ["resolution started at 0"]


def test_pauses_survive_a_change_of_policy() -> None:
    """Ten minutes had passed before the pause; the new target of 60 minutes leaves fifty of them."""
    log: list[Entry] = [start(resolution=100), reply(at=10), supersede(500, 60)]
    after = [*log, start(at=1000, following=2000, mention="m2"), tick(1051)]
    assert told(*after)[-1] == "resolution breached at 1050"


def test_pauses_survive_a_restart() -> None:
    state: State = {}
    clock = Clock()
    events(clock, [start(resolution=100), reply(at=10)])
    compacted(state, clock)
    assert told(start(at=1000, following=200, mention="m2"), tick(1091), clock=restored(state))[-1] == (
        "resolution breached at 1090"
    )


# Reopening


def test_a_case_taken_up_within_the_days_is_reopened_with_a_next_response() -> None:
    log = [
        start(),
        reply(at=10),
        stop("resolution", 20),
        start(at=4 * DAY, following=60, mention="m2"),
        tick(4 * DAY + 61),
    ]
    assert told(*log)[2:] == [
        f"next_response started at {4 * DAY}",
        f"next_response reopened at {4 * DAY}",
        f"next_response breached at {4 * DAY + 60}",
    ]


def test_a_message_after_the_days_opens_a_new_case_that_is_linked_to_the_old() -> None:
    log = [start(), reply(at=10), stop("resolution", 20), start(at=6 * DAY, following=60, mention="m2")]
    opened = last(*log)
    assert (opened.kind, opened.target, opened.mention, opened.linked) == ("started", "first_response", "m2", "m1")


def test_thanks_do_not_reopen_a_resolved_case() -> None:
    assert told(start(), reply(at=10), stop("resolution", 20), start(at=30, mention="thanks"))[2:] == []


def test_a_case_is_resolved_once() -> None:
    log: list[Entry] = [start(resolution=100), reply(at=10), stop("resolution", 20), stop("resolution", 20)]
    assert [line for line in told(*log) if "met" in line] == ["met at 10", "resolution met at 20"]


# Late evidence


def test_a_reply_in_time_that_arrives_after_the_breach_corrects_it() -> None:
    log: list[Entry] = [start(due=120), tick(121), reply(at=30)]
    _, breached, corrected = events(Clock(), log)
    assert (corrected.kind, corrected.at, corrected.reply) == ("breach_corrected", minute(30), "r1")
    assert (corrected.breach, corrected.cycle) == (breached.id, breached.cycle)
    assert corrected.elapsed_ms == 30 * 60_000


def test_a_breach_is_corrected_once() -> None:
    again = [reply(at=30), reply(at=30), reply(at=20, reply="r0")]
    assert told(start(due=120), tick(121), *again)[2:] == ["breach_corrected at 30"]


def test_a_late_reply_then_an_earlier_one_in_time_corrects_too() -> None:
    log = [start(due=120), reply(at=130), reply(at=110, reply="r0"), tick(500)]
    assert told(*log) == ["started at 0", "breached at 120", "breach_corrected at 110"]


def test_a_message_that_waited_behind_a_wrong_breach_gets_its_clock() -> None:
    log = [start(due=120), start(at=100, following=60, mention="m2"), tick(130), reply(at=50), tick(161)]
    assert told(*log)[1:] == [
        "breached at 120",
        "breach_corrected at 50",
        "next_response started at 100",
        "next_response breached at 160",
    ]


def test_a_review_that_was_done_in_time_corrects_its_breach() -> None:
    log: list[Entry] = [start(), start(due=30, target="review"), tick(31), stop("review", 20)]
    assert told(*log)[-1] == "review breach_corrected at 20"


# Cancelled and superseded


def test_spam_found_later_cancels_the_clock() -> None:
    cancelled = last(start(due=120, resolution=300), cancel(30))
    assert (cancelled.kind, cancelled.at, cancelled.reason) == ("cancelled", minute(30), "labelled as spam")
    log = [start(due=120, resolution=300), cancel(30), start(due=120), tick(DAY)]
    assert told(*log)[2:] == ["cancelled at 30", "resolution cancelled at 30"]


def test_the_next_message_after_a_cancelled_case_opens_a_case() -> None:
    assert told(start(), cancel(30), start(at=40, mention="m2"))[-1] == "started at 40"


def test_a_message_behind_a_cancelled_one_gets_its_clock() -> None:
    assert told(start(), start(at=20, following=60, mention="m2"), cancel(30))[-1] == "next_response started at 20"


def test_what_was_due_before_it_was_cancelled_is_breached() -> None:
    assert told(start(due=20), cancel(30)) == ["started at 0", "breached at 20"]


def test_another_type_takes_over_with_the_time_that_has_elapsed() -> None:
    found = events(Clock(), [start(due=240), supersede(60, 120), tick(121)])
    assert [(event.kind, event.type) for event in found] == [
        ("started", "customer_complaint"),
        ("superseded", "customer_complaint"),
        ("started", "sales_inquiry"),
        ("breached", "sales_inquiry"),
    ]
    assert found[1].elapsed_ms == 60 * 60_000
    assert found[3].due_at == minute(120)
    assert found[3].cycle != found[0].cycle


def test_a_new_target_that_is_used_up_already_is_due_at_once() -> None:
    assert told(start(due=240), supersede(60, 30), tick(61))[-1] == "breached at 60"


def test_a_change_is_made_once_and_never_to_a_cycle_that_is_over() -> None:
    change = supersede(60, 120)
    assert told(start(due=240), change, change)[1:] == ["superseded at 60", "started at 0"]
    assert told(start(due=240), reply(at=1), change)[2:] == []


def test_a_change_that_is_repeated_behind_another_is_made_once() -> None:
    first, second = supersede(60, 120), supersede(61, 100)
    assert told(start(due=240), first, second, first, tick(101))[1:] == [
        "superseded at 60",
        "started at 0",
        "superseded at 61",
        "started at 0",
        "breached at 100",
    ]


# The desk's own targets


@pytest.mark.parametrize("target", ["review", "approval", "escalation_ack"])
def test_a_desk_target_is_met_or_missed_like_any_other(target: StoppedTarget) -> None:
    begun = start(due=30, target=target)
    assert told(start(), begun, begun, stop(target, 20), begun)[1:] == [f"{target} started at 0", f"{target} met at 20"]
    assert told(start(), begun, tick(31))[-1] == f"{target} breached at 30"
    assert told(start(), begun, stop(target, 31))[-1] == f"{target} breached at 30"


# Causes


def test_a_message_that_was_received_after_its_due_time_is_a_late_ingest() -> None:
    assert breach(tick(200), start(due=120, received=190)).cause == "late_ingest"


def test_what_nobody_took_is_unassigned() -> None:
    assert breach(start(due=120), tick(121)).cause == "unassigned"


def test_what_somebody_took_and_did_not_answer_is_the_owners_silence() -> None:
    assert breach(start(due=120), owner(10, "ann"), tick(121)).cause == "owner_silent"
    assert breach(start(due=120), owner(10, "ann"), owner(20, None), tick(121)).cause == "unassigned"


def test_without_anybody_on_shift_it_is_a_matter_of_capacity() -> None:
    assert breach(start(due=120), owner(10, None, on_shift=False), tick(121)).cause == "out_of_capacity"


def test_what_still_waited_for_its_review_or_approval_says_so() -> None:
    review, approval = start(due=300, target="review"), start(due=300, target="approval")
    assert breach(start(due=120), owner(1, "ann"), review, tick(121)).cause == "waiting_for_review"
    assert breach(start(due=120), owner(1, "ann"), approval, tick(121)).cause == "waiting_for_approval"
    assert breach(start(due=120), owner(1, "ann"), review, stop("review", 60), tick(121)).cause == "owner_silent"


def test_what_comes_after_the_due_time_is_no_cause() -> None:
    late = [owner(119, "ann"), owner(125, None, on_shift=False)]
    assert breach(start(due=120), *late, tick(200)).cause == "owner_silent"
    review = [start(due=300, target="review"), stop("review", 125)]
    assert breach(start(due=120), *review, tick(200)).cause == "waiting_for_review"


def test_a_risk_tells_what_it_waits_for() -> None:
    assert last(start(due=120), owner(10, "ann"), tick(91)).cause == "owner_silent"


# Calendars


def in_berlin() -> Clock:
    return Clock(WorkingTime({"berlin": BERLIN}.get))


def test_a_resolution_counts_in_its_calendar_across_pauses() -> None:
    """Wednesday noon in UTC is 14:00 in Berlin: of 300 minutes 120 pass before the answer at 16:00, the rest on the
    Friday after the customer's message on Thursday night: from 09:00 to 12:00, which is 10:00 in UTC."""
    log = [start(resolution=300, calendar="berlin"), reply(at=120), start(at=1800, following=9000, mention="m2")]
    found = [*events(in_berlin(), log), *events(clock := in_berlin(), [*log, tick(5000)])]
    breached = next(event for event in found if event.kind == "breached" and event.target == "resolution")
    assert breached.due_at == datetime(2020, 4, 3, 10, tzinfo=UTC)
    assert clock.last_tick == minute(5000)


def test_the_elapsed_time_of_an_answer_is_that_of_the_calendar() -> None:
    night = events(in_berlin(), [start(due=1500, calendar="berlin"), reply(at=20 * 60)])[-1]
    assert night.elapsed_ms == 4 * 3_600_000  # 14:00 to 17:00, and 09:00 to 10:00


def test_the_elapsed_time_of_a_missed_next_response_is_its_target_and_not_the_night() -> None:
    """An hour from 16:30 on Wednesday in Berlin is due at 09:30 on Thursday."""
    times = TargetTimes(at_risk_at=minute(19 * 60), due_at=minute(19 * 60 + 30))
    second = start(at=150, due=1000, mention="m2", calendar="berlin").model_copy(update={"next_response": times})
    missed = events(in_berlin(), [start(calendar="berlin"), reply(at=10), second, tick(3000)])[-1]
    assert (missed.target, missed.kind, missed.elapsed_ms) == ("next_response", "breached", 60 * 60_000)


def test_a_calendar_that_is_not_known_is_told_by_name_and_changes_nothing() -> None:
    clock = Clock()
    before = clock.digest()
    with pytest.raises(UnknownCalendar, match="calendar berlin is not on the topic `policies`"):
        clock.fold(start(resolution=300, calendar="berlin"))
    assert clock.digest() == before


def test_pausing_makes_a_deadline_later_by_the_pause() -> None:
    for first, second in pairwise(range(0, 90, 15)):
        again = start(at=second, following=900, mention="m2")
        missed = breach(start(resolution=100), reply(at=first), again, tick(900))
        assert (missed.target, missed.due_at) == ("resolution", minute(100 + second - first))


def test_a_cancelled_mention_stays_cancelled_when_it_comes_again_with_another_time() -> None:
    assert told(start(at=0), cancel(1), start(at=5), tick(500)) == ["started at 0", "cancelled at 1"]
    behind = [start(mention="m1"), start(at=1, mention="m2", following=60), cancel(2, mention="m2")]
    again = start(at=9, mention="m2", following=60)
    assert told(*behind, again, reply(at=20), tick(500)) == ["started at 0", "met at 20"]
