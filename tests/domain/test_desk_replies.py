"""Replies: the fence, the undo window, approval; nobody answers twice."""

import pytest

from schemas.desk_events import ReplyToPublish
from schemas.desk_records import Approve, Claim, Note, Promised, Reject, Release, Resolve, TakeOver, Undo
from tests.domain.desk_log import Story, escalations, inbound, kinds, refund, respond, timers
from tests.domain.timer_log import minute

SECOND = 1 / 60


def held() -> tuple[Story, str]:
    """A complaint that ann has claimed, and her token."""
    story = Story()
    story.hear(inbound())
    return story, story.claim("ann")


def test_a_reply_goes_to_the_public_when_its_undo_window_is_over() -> None:
    story, token = held()
    answer = story.reply("ann", token, text="It is on its way.")
    assert (answer.accepted, answer.code) == (True, "accepted")
    assert story.pass_time(10 * SECOND) == []
    story.pass_time(11 * SECOND)
    (reply,) = story.published
    assert (reply.id, reply.author, reply.mention, reply.text) == (answer.reply, "ann", "m1", "It is on its way.")
    assert (reply.conversation, reply.brand, reply.at) == ("Delta:x:1", "Delta", minute(10 * SECOND))
    assert not story.now.waiting
    story.pass_time(100)
    assert len(story.published) == 1


def test_a_reply_to_what_the_customer_has_added_to_is_refused_with_what_changed() -> None:
    story, token = held()
    story.hear(inbound("m2", 1))
    refused = story.reply("ann", token, seen="m1")
    assert (refused.accepted, refused.code) == (False, "customer_wrote_again")
    assert refused.reason == "the customer has written again; read it first"
    assert refused.fence is not None
    assert (refused.fence.token, refused.fence.last_inbound) == (token, "m2")
    assert story.reply("ann", token, seen="m2").accepted


def test_a_reply_without_a_claim_is_refused() -> None:
    story, token = held()
    story.pass_time(16)
    refused = story.reply("ann", token)
    assert (refused.code, refused.fence and refused.fence.token) == ("no_claim", None)


def test_the_token_of_somebody_elses_claim_is_of_no_use() -> None:
    story, token = held()
    assert story.reply("bob", token).code == "wrong_token"
    assert story.reply("ann", "made up").code == "wrong_token"


def test_a_message_that_has_its_answer_gets_no_second_one_by_accident() -> None:
    """Bob's page is from before ann's answer; his claim is good, his reply is not."""
    story, token = held()
    first = story.reply("ann", token)
    story.pass_time(1)
    story.do("ann", Release())
    token = story.claim("bob")
    refused = story.reply("bob", token)
    assert (refused.code, refused.fence and refused.fence.last_reply) == ("already_answered", first.reply)
    assert story.reply("bob", token, follows=first.reply).accepted


def test_what_was_answered_by_another_way_gets_no_second_answer_either() -> None:
    story, token = held()
    story.hear(respond(0.1))
    assert story.reply("ann", token).code == "already_answered"


def test_one_reply_at_a_time_is_under_way() -> None:
    story, token = held()
    story.reply("ann", token)
    assert story.reply("ann", token).code == "reply_pending"
    assert story.do("ann", Resolve(last_inbound="m1")).code == "reply_pending"


def test_a_reply_can_be_taken_back_until_it_is_handed_on() -> None:
    story, token = held()
    reply = story.reply("ann", token).reply
    assert reply is not None
    assert story.do("bob", Undo(reply=reply)).code == "not_allowed"
    assert story.do("ann", Undo(reply=reply)).accepted
    story.pass_time(1)
    assert story.published == []
    again = story.reply("ann", token).reply
    assert again is not None
    story.pass_time(2)
    assert story.do("ann", Undo(reply=again)).code == "unknown_reply"


def test_a_message_within_the_undo_window_withdraws_the_reply() -> None:
    story, token = held()
    story.reply("ann", token)
    assert kinds(story.hear(inbound("m2", 0.05))) == ["reply_withdrawn", "customer_wrote"]
    story.pass_time(5)
    assert story.published == []


def test_an_answer_by_another_way_withdraws_the_reply() -> None:
    story, token = held()
    story.reply("ann", token)
    assert kinds(story.hear(respond(0.05))) == ["reply_withdrawn", "answered_elsewhere"]
    story.pass_time(5)
    assert story.published == []


def test_whoever_takes_over_withdraws_the_reply_of_the_other() -> None:
    story, token = held()
    story.reply("ann", token)
    assert kinds(story.hear(story.command("bob", TakeOver(reason="wrong parcel")))) == ["reply_withdrawn", "taken_over"]
    story.pass_time(5)
    assert story.published == []


def test_a_reply_goes_out_although_its_author_has_released_the_conversation() -> None:
    story, token = held()
    story.reply("ann", token)
    story.do("ann", Release())
    story.pass_time(1)
    assert len(story.published) == 1


# Authority


@pytest.mark.parametrize(
    ("by", "promises", "above"),
    [
        ("ann", (refund(5000),), None),
        ("ann", (refund(5001),), "promises refund of 5001 EUR, in its smallest unit"),
        ("ann", (refund(3000), refund(3000)), "promises refund of 6000 EUR, in its smallest unit"),
        ("ann", (refund(3000), refund(3000, "USD")), None),
        ("ann", (refund(1, "GBP"),), "promises refund of 1 GBP, in its smallest unit"),
        ("ann", (Promised(action="refund"),), "promises refund without an amount in a currency"),
        ("ann", (Promised(action="refund", amount=5),), "promises refund without an amount in a currency"),
        ("ann", (Promised(action="replacement"),), None),
        ("ann", (Promised(action="replacement", amount=5, currency="EUR"),), "promises replacement with an amount"),
        ("ann", (Promised(action="a free flight"),), "promises a free flight"),
        ("lea", (refund(5001),), None),
        ("lea", (refund(50001),), "promises refund of 50001 EUR, in its smallest unit"),
    ],
)
def test_a_reply_that_promises_more_than_its_author_may_is_held(
    by: str, promises: tuple[Promised, ...], above: str | None
) -> None:
    story = Story()
    story.hear(inbound())
    answer = story.reply(by, story.claim(by), promises=promises)
    assert answer.accepted
    assert answer.code == ("accepted" if above is None else "held_for_approval")
    held_now = [event for event in story.told if getattr(event, "kind", "") == "reply_held"]
    assert [event.reason for event in held_now] == ([] if above is None else [above])  # type: ignore[union-attr]


def held_for_approval(cents: int = 20_000) -> tuple[Story, str]:
    story, token = held()
    reply = story.reply("ann", token, promises=(refund(cents),)).reply
    assert reply is not None
    return story, reply


def test_a_held_reply_waits_however_long_and_tells_a_lead() -> None:
    story, _ = held_for_approval()
    told = story.pass_time(31)
    assert escalations(story.told) == [
        "above_authority started at 0, step 1",
        "above_authority reminded at 15, step 1",
        "above_authority climbed at 30, step 2",
    ]
    assert not [event for event in told if isinstance(event, ReplyToPublish)]


def test_an_approved_reply_goes_out_with_both_names() -> None:
    story, reply = held_for_approval()
    assert story.do("lea", Approve(reply=reply)).accepted
    assert timers(story) == [
        "timer_start approval", "timer_start escalation_ack", "timer_stop approval", "timer_stop escalation_ack",
    ]  # fmt: skip
    assert escalations(story.told)[-1] == "above_authority closed at 0, step 1"
    story.pass_time(1)
    (published,) = story.published
    assert (published.id, published.author, published.approved_by) == (reply, "ann", "lea")


def test_an_approved_reply_can_still_be_taken_back() -> None:
    story, reply = held_for_approval()
    story.do("lea", Approve(reply=reply))
    assert story.do("lea", Approve(reply=reply)).code == "unknown_reply"
    assert story.do("ann", Undo(reply=reply)).accepted
    story.pass_time(1)
    assert story.published == []


def test_a_rejected_reply_stays_inside_with_the_reason_on_record() -> None:
    story, reply = held_for_approval()
    assert story.do("lea", Reject(reply=reply, reason="offer a replacement")).accepted
    assert (story.now.kind, story.now.reason, story.now.by) == ("reply_rejected", "offer a replacement", "lea")
    story.pass_time(1)
    assert story.published == []


def test_nobody_approves_their_own_reply_or_more_than_they_may_promise() -> None:
    story = Story()
    story.hear(inbound())
    reply = story.reply("lea", story.claim("lea"), promises=(refund(60_000),)).reply
    assert reply is not None
    assert story.do("lea", Approve(reply=reply)).code == "own_reply"
    assert story.do("lea", Reject(reply=reply, reason="no")).code == "own_reply"
    assert story.do("ann", Approve(reply=reply)).code == "not_allowed"
    assert story.do("apu", Approve(reply=reply)).accepted
    other, reply = held_for_approval(60_000)
    refused = other.do("lea", Approve(reply=reply))
    assert refused.code == "above_authority"
    assert refused.reason.endswith("more than lea may approve")


def test_the_customer_withdraws_a_reply_that_waits_for_approval() -> None:
    story, reply = held_for_approval()
    story.hear(inbound("m2", 5))
    assert story.do("lea", Approve(reply=reply)).code == "unknown_reply"
    assert timers(story)[-2:] == ["timer_stop approval", "timer_stop escalation_ack"]


# Repeats


def test_a_repeated_command_gets_the_same_answer_and_changes_nothing() -> None:
    story, token = held()
    commands = [story.command("ann", Note(text="hm")), story.command("bob", Claim())]
    first = [story.hear(command)[0] for command in commands]
    story.reply("ann", token)
    story.pass_time(40)
    digest = story.desk.digest()
    assert [story.hear(command) for command in commands] == [[answer] for answer in first]
    assert story.desk.digest() == digest


def test_a_repeated_claim_is_no_new_claim_after_it_has_expired() -> None:
    story = Story()
    story.hear(inbound())
    command = story.command("ann", Claim())
    (first, *_) = story.hear(command)
    story.pass_time(20)
    assert story.hear(command) == [first]
    assert story.now.holder is None


def test_an_answer_from_before_the_conversation_is_nothing_to_the_desk_and_answers_no_more_when_it_is_repeated() -> (
    None
):
    story = Story()
    answer = respond(1)
    assert story.hear(answer) == []
    story.hear(inbound("m1", 2))
    assert story.hear(answer) == []
    assert story.now.waiting
    digest = story.desk.digest()
    assert story.hear(answer) == []
    assert story.desk.digest() == digest


def test_a_command_of_last_week_is_refused_as_stale_also_by_a_conversation_that_has_begun_anew() -> None:
    day = 24 * 60
    story, _ = held()
    claim = story.command("ann", Claim())
    story.hear(claim)
    story.do("ann", Resolve(last_inbound="m1"))
    story.pass_time(9 * day)
    assert [event.code for event in story.hear(claim)] == ["unknown_conversation"]  # type: ignore[union-attr]
    story.hear(inbound("m2", 9 * day))
    assert [event.code for event in story.hear(claim)] == ["stale"]  # type: ignore[union-attr]


def test_a_command_from_before_all_that_is_remembered_is_refused_as_stale() -> None:
    story = Story()
    story.hear(inbound())
    claim = story.command("ann", Claim())
    story.hear(claim)
    for number in range(64):
        story.pass_time(20 + number)
        story.do("ann", Note(text=f"note {number}"))
    assert [event.code for event in story.hear(claim)] == ["stale"]  # type: ignore[union-attr]
    assert story.now.holder is None
