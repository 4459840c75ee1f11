"""The clock is told whether anybody is on shift, so that it can say why a customer had to wait."""

from __future__ import annotations

from schemas.desk_records import Assign, Away, Person, Shift, WeekHours
from schemas.records import TimerOwner
from tests.domain.desk_log import PEOPLE, Story, inbound, new_desk, restarted, tick
from tests.domain.timer_log import NOON, minute

AFTERNOON = Shift(timezone="UTC", open=WeekHours(wed=("13:00-15:00",)))
"""Noon of the stories is on a Wednesday: minutes 60 to 180."""


def on(shift: Shift | None, *, away: tuple[Away, ...] = ()) -> list[Person]:
    """Everybody of the support team works then."""
    return [person.model_copy(update={"shift": shift, "away": away}) for person in PEOPLE]


def told(story: Story) -> list[tuple[str | None, bool, float]]:
    """Owner, whether anybody is on shift, and the minute."""
    return [
        (timer.owner, timer.on_shift, (timer.since - NOON).total_seconds() / 60)
        for timer in story.timers
        if isinstance(timer, TimerOwner)
    ]


def test_a_message_at_night_is_told_to_the_clock_as_one_that_nobody_could_take() -> None:
    story = Story()
    story.hear(*on(AFTERNOON), inbound())
    assert told(story) == [(None, False, 0)]


def test_the_clock_hears_of_the_beginning_and_the_end_of_shifts_while_the_customer_waits() -> None:
    story = Story()
    story.hear(*on(AFTERNOON), inbound())
    story.pass_time(500)
    assert told(story) == [(None, False, 0), (None, True, 60), (None, False, 180)]


def test_where_somebody_is_always_there_the_clock_hears_of_owners_alone() -> None:
    story = Story()
    story.hear(inbound())
    story.do("assign_owners", Assign(to="bob"))
    assert told(story) == [("bob", True, 0)]


def test_of_an_owner_too_the_clock_hears_that_the_shift_is_over() -> None:
    story = Story()
    story.hear(*on(AFTERNOON), inbound(), tick(150))
    story.claim("ann")
    story.pass_time(181)
    assert told(story)[-2:] == [("ann", True, 150), ("ann", False, 180)]
    story.pass_time(300)
    assert told(story)[-1] == (None, False, 210), "the silent owner has lost it"


def test_nothing_is_told_while_nobody_waits() -> None:
    story = Story()
    story.hear(*on(AFTERNOON), inbound(), tick(100))
    story.reply("ann", story.claim("ann"))
    story.pass_time(102)
    before = told(story)
    story.pass_time(5000)
    assert told(story) == before


def test_somebody_who_falls_ill_is_gone_from_the_next_tick_on() -> None:
    story = Story()
    story.hear(inbound())
    story.hear(*on(None, away=(Away(since=minute(20), until=minute(60)),)), tick(30))
    assert told(story) == [(None, False, 30 - 1 / 60_000)]
    story.pass_time(61)
    assert told(story)[-1] == (None, True, 60)


def test_a_restart_between_a_change_of_people_and_the_tick_changes_nothing() -> None:
    kept, fresh = Story(), Story()
    for story in (kept, fresh):
        story.hear(inbound(), *on(AFTERNOON))
    fresh.desk = restarted(fresh.desk, {})
    for story in (kept, fresh):
        story.pass_time(30)
        story.pass_time(90)
    assert told(kept) == told(fresh)
    assert kept.desk.digest() == fresh.desk.digest()
    assert len(told(kept)) == 2


def test_hours_that_cannot_be_read_leave_the_person_as_they_were() -> None:
    desk = new_desk()
    desk.fold(PEOPLE[0])
    broken = PEOPLE[0].model_copy(update={"shift": Shift(timezone="Mars", open=WeekHours())})
    before = desk.digest()
    try:
        desk.fold(broken)
    except ValueError as error:
        assert "Mars" in str(error)
    assert desk.digest() == before
