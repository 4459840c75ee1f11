"""Whose a conversation is: the queue's, a person's, nobody else's while it is claimed."""

from domain.desk_inbound import REMEMBERED_MESSAGES
from schemas.desk_events import ConversationChanged
from schemas.desk_records import Assign, Claim, Note, Person, Release, Reopen, Resolve, Snooze, TakeOver
from schemas.records import TimerOwner
from tests.domain.desk_log import Story, inbound, kinds, respond, tick
from tests.domain.timer_log import minute

DAY = 24 * 60


def story() -> Story:
    """A complaint at minute 0."""
    found = Story()
    found.hear(inbound())
    return found


def test_a_message_belongs_to_its_team_at_once() -> None:
    opened = story().now
    assert (opened.kind, opened.team, opened.queue, opened.owner) == ("opened", "support", "support-queue", None)
    assert (opened.status, opened.waiting, opened.last_inbound) == ("open", True, "m1")


def test_a_claim_is_exclusive_and_its_answer_says_who_was_first() -> None:
    desk = story()
    token = desk.claim("ann")
    refused = desk.do("bob", Claim())
    assert (refused.accepted, refused.code) == (False, "claimed_by_other")
    assert refused.reason == "ann has claimed the conversation"
    assert refused.fence is not None
    assert (refused.fence.token, refused.fence.holder, refused.fence.expires_at) == (token, "ann", minute(15))


def test_an_expired_claim_blocks_nobody() -> None:
    desk = story()
    first = desk.claim("ann")
    assert kinds(desk.pass_time(15)) == []
    assert kinds(desk.pass_time(15.01)) == ["claim_expired"]
    assert desk.now.owner == "ann"
    assert desk.claim("bob") != first
    assert desk.now.owner == "bob"
    assert desk.reply("ann", first).code == "claimed_by_other"


def test_claiming_again_prolongs_the_claim_and_keeps_its_token() -> None:
    desk = story()
    token = desk.claim("ann")
    desk.pass_time(10)
    assert desk.claim("ann") == token
    assert desk.now.kind == "prolonged"
    assert kinds(desk.pass_time(24)) == []
    assert kinds(desk.pass_time(26)) == ["claim_expired"]


def test_what_was_taken_over_is_on_record_with_its_reason() -> None:
    desk = story()
    token = desk.claim("ann")
    taken = desk.do("bob", TakeOver(reason="ann is at lunch"))
    assert taken.accepted
    assert taken.fence is not None
    assert taken.fence.token != token
    assert (desk.now.kind, desk.now.by, desk.now.owner, desk.now.reason) == (
        "taken_over", "bob", "bob", "ann is at lunch",
    )  # fmt: skip
    assert desk.reply("ann", token).code == "claimed_by_other"


def test_released_goes_back_to_the_queue() -> None:
    desk = story()
    desk.claim("ann")
    assert desk.do("ann", Release()).accepted
    assert (desk.now.kind, desk.now.owner, desk.now.holder) == ("released", None, None)


def test_a_conversation_is_assigned_only_while_it_is_nobodys() -> None:
    desk = story()
    assert desk.do("assign_owners", Assign(to="bob")).accepted
    assert desk.now.owner == "bob"
    refused = desk.do("assign_owners", Assign(to="ann"))
    assert (refused.code, refused.reason) == ("already_assigned", "bob has the conversation")


def test_nobody_is_assigned_who_cannot_answer() -> None:
    desk = story()
    codes = {to: desk.do("lea", Assign(to=to)).code for to in ("eve", "gus", "nobody", "rex")}
    assert codes == {"eve": "not_allowed", "gus": "unknown_person", "nobody": "unknown_person", "rex": "unknown_role"}


def test_an_owner_silent_for_an_hour_loses_it_to_the_queue_and_a_lead_is_told() -> None:
    desk = story()
    desk.claim("ann")
    desk.pass_time(16)
    lost = desk.pass_time(61)
    assert kinds(lost) == ["owner_silent", "escalation started"]
    assert desk.now.owner is None
    owners = [timer.owner for timer in desk.timers if isinstance(timer, TimerOwner)]
    assert owners == ["ann", None]


def test_whoever_does_something_is_not_silent() -> None:
    desk = story()
    desk.claim("ann")
    desk.pass_time(50)
    desk.do("ann", Note(text="The warehouse is looking for it."))
    assert "owner_silent" not in kinds(desk.pass_time(105))
    assert "owner_silent" in kinds(desk.pass_time(111))


def test_an_owner_may_be_silent_while_the_customer_has_the_word() -> None:
    desk = story()
    desk.reply("ann", desk.claim("ann"))
    desk.pass_time(1000)
    assert desk.now.owner == "ann"
    desk.hear(inbound("m2", 1000))
    assert "owner_silent" not in kinds(desk.pass_time(1059))
    assert "owner_silent" in kinds(desk.pass_time(1061))


def test_a_message_for_somebody_who_has_left_goes_to_the_queue() -> None:
    desk = story()
    desk.reply("ann", desk.claim("ann"))
    desk.pass_time(20)
    desk.hear(Person(id="ann", name="Ann", role="agent", active=False))
    assert kinds(desk.hear(inbound("m2", 20))) == ["customer_wrote", "owner_left"]
    assert desk.now.owner is None


def test_a_snooze_ends_by_itself() -> None:
    desk = story()
    assert desk.do("ann", Snooze(until=minute(90))).accepted
    assert desk.now.snoozed_until == minute(90)
    assert kinds(desk.pass_time(90)) == []
    assert kinds(desk.pass_time(91)) == ["woken"]


def test_the_customer_ends_a_snooze() -> None:
    desk = story()
    desk.do("ann", Snooze(until=minute(90)))
    desk.hear(inbound("m2", 5))
    assert (desk.now.kind, desk.now.snoozed_until) == ("customer_wrote", None)
    assert kinds(desk.pass_time(100)) == []


def test_nobody_snoozes_into_the_past_or_for_ever() -> None:
    desk = story()
    assert [desk.do("ann", Snooze(until=minute(at))).code for at in (0, -5, 31 * DAY)] == ["bad_time"] * 3


def test_a_resolved_conversation_is_closed_until_it_is_reopened() -> None:
    desk = story()
    desk.claim("ann")
    assert desk.do("ann", Resolve(last_inbound="m1")).accepted
    assert (desk.now.status, desk.now.owner, desk.now.waiting) == ("resolved", None, False)
    assert desk.do("ann", Claim()).code == "closed"
    assert desk.do("ann", Resolve(last_inbound="m1")).code == "closed"
    assert desk.do("ann", Reopen()).accepted
    assert (desk.now.status, desk.now.owner) == ("open", None)
    assert desk.do("ann", Reopen()).code == "not_closed"


def test_nothing_is_resolved_that_the_customer_has_added_to() -> None:
    desk = story()
    desk.hear(inbound("m2", 1))
    assert desk.do("ann", Resolve(last_inbound="m1")).code == "customer_wrote_again"


def test_the_customer_reopens_what_was_resolved_and_thanks_do_not() -> None:
    desk = story()
    desk.do("ann", Resolve(last_inbound="m1"))
    desk.hear(inbound("m2", 5, asks=False))
    assert (desk.now.kind, desk.now.status) == ("customer_wrote", "resolved")
    desk.hear(inbound("m3", 6))
    assert (desk.now.kind, desk.now.status, desk.now.owner) == ("reopened", "open", None)


def test_until_a_person_has_it_the_latest_message_says_whose_it_is() -> None:
    desk = story()
    desk.hear(inbound("m2", 1, type_="sales_inquiry"))
    assert (desk.now.team, desk.now.queue) == ("sales", "sales-queue")
    desk.claim("ann")
    desk.hear(inbound("m3", 2))
    assert (desk.now.team, desk.now.owner) == ("sales", "ann")


def test_an_answered_conversation_falls_quiet_and_is_forgotten() -> None:
    desk = story()
    desk.reply("ann", desk.claim("ann"))
    desk.pass_time(16)
    told = desk.pass_time(8 * DAY + 16)
    assert (kinds(told), desk.now.status) == (["fell_quiet"], "resolved")
    desk.pass_time(17 * DAY)
    assert desk.do("ann", Claim()).code == "unknown_conversation"


def test_what_nobody_answered_is_never_forgotten() -> None:
    desk = story()
    desk.pass_time(300 * DAY)
    assert desk.do("ann", Claim()).accepted


def test_a_repeated_message_changes_nothing_however_late() -> None:
    desk = story()
    before = desk.desk.digest()
    assert desk.hear(inbound()) == []
    assert desk.desk.digest() == before
    for number in range(2, REMEMBERED_MESSAGES + 5):
        desk.hear(inbound(f"m{number}", number))
    assert desk.hear(inbound()) == []


def test_an_answer_by_another_way_counts_and_is_told() -> None:
    desk = story()
    assert kinds(desk.hear(respond(5))) == ["answered_elsewhere"]
    assert not desk.now.waiting
    assert desk.hear(respond(6, "another")) == []
    assert desk.hear(respond(7, "by a program", automatic=True)) == []


def test_a_message_that_arrives_after_its_answer_does_not_wait() -> None:
    desk = story()
    desk.hear(respond(5), inbound("m2", 4))
    assert (desk.now.kind, desk.now.waiting) == ("customer_wrote", False)
    claimed = desk.do("ann", Claim())
    assert claimed.fence is not None
    assert claimed.fence.last_reply == "elsewhere"


def test_what_is_told_does_not_depend_on_how_often_time_ticks() -> None:
    def happened(*ticks: float) -> list[tuple[str, object]]:
        desk = story()
        desk.claim("ann")
        told = desk.hear(*map(tick, ticks), tick(20 * DAY))
        return [(event.kind, event.at) for event in told if isinstance(event, ConversationChanged)]

    assert happened() == happened(*range(1, 200)) != []
