"""What becomes of a reply after it was handed on: public, or not, or nobody knows."""

import pytest

from schemas.desk_records import Label, Note, Release, Resolve, Snooze
from tests.domain.desk_log import (
    Story,
    escalations,
    inbound,
    kinds,
    outcome,
    posted,
    respond,
    restarted,
    verdict,
)
from tests.domain.timer_log import minute


def answered() -> tuple[Story, str, str]:
    """A complaint whose answer ann has given, on its way to the public since minute 1; her token, and the reply."""
    story = Story()
    story.hear(inbound())
    token = story.claim("ann")
    answer = story.reply("ann", token)
    story.pass_time(1)
    assert answer.reply is not None
    return story, token, answer.reply


def test_a_reply_that_the_channel_has_is_told_as_public() -> None:
    story, _, reply = answered()
    assert kinds(story.hear(posted(2, reply))) == ["reply_published"]
    assert (story.now.reply, story.now.by, story.now.waiting) == (reply, "ann", False)


def test_word_of_it_that_comes_again_changes_nothing() -> None:
    story, _, reply = answered()
    story.hear(posted(2, reply))
    assert story.hear(posted(2, reply), outcome(3, reply)) == []


def test_the_same_post_seen_by_the_gateway_too_is_no_second_answer() -> None:
    story, _, reply = answered()
    story.hear(posted(2, reply), inbound("m2", 1.5))
    assert story.hear(respond(2, f"public {reply}")) == []
    assert story.now.waiting


def test_a_reply_that_was_refused_leaves_its_message_unanswered_with_its_holder() -> None:
    story, token, reply = answered()
    assert kinds(story.hear(outcome(2, reply))) == ["reply_failed"]
    assert story.now.reason == "the channel refused the reply with status 422"
    assert (story.now.waiting, story.now.holder, story.now.owner, story.now.reply) == (True, "ann", "ann", reply)
    assert story.reply("ann", token).accepted


def test_it_goes_back_to_the_queue_of_a_conversation_that_nobody_owns() -> None:
    story, _, reply = answered()
    story.do("ann", Release())
    story.hear(outcome(2, reply))
    assert (story.now.waiting, story.now.owner, story.now.queue) == (True, None, "support-queue")


def test_a_reply_of_which_nobody_knows_is_answered_anew_only_by_somebody_who_names_it() -> None:
    story, token, reply = answered()
    assert kinds(story.hear(outcome(2, reply, "uncertain"))) == ["reply_uncertain"]
    assert story.now.waiting
    refused = story.reply("ann", token)
    assert (refused.code, refused.fence and refused.fence.last_reply) == ("already_answered", reply)
    assert story.reply("ann", token, follows=reply).accepted


def test_somebody_who_finds_it_on_the_channel_resolves_the_conversation() -> None:
    story, _, reply = answered()
    story.hear(outcome(2, reply, "uncertain"))
    assert story.do("ann", Resolve(last_inbound="m1")).accepted
    assert (story.now.status, story.now.waiting) == ("resolved", False)


@pytest.mark.parametrize("result", ["refused", "uncertain"])
def test_nothing_is_ever_sent_again_by_itself(result: str) -> None:
    story, _, reply = answered()
    story.hear(outcome(2, reply, result))  # type: ignore[arg-type]
    story.pass_time(10_000)
    assert [found.id for found in story.published] == [reply]


def test_a_conversation_that_was_resolved_meanwhile_opens_again() -> None:
    story, _, reply = answered()
    story.do("ann", Resolve(last_inbound="m1"))
    story.hear(outcome(2, reply))
    assert (story.now.kind, story.now.status, story.now.waiting) == ("reply_failed", "open", True)


def test_a_snooze_ends() -> None:
    story, _, reply = answered()
    story.do("ann", Snooze(until=minute(500)))
    story.hear(outcome(2, reply))
    assert story.now.snoozed_until is None


def test_an_owner_has_their_time_again_from_then_on() -> None:
    story, _, reply = answered()
    story.hear(outcome(50, reply))
    story.do("ann", Note(text="looking"))
    assert "owner_silent" not in kinds(story.pass_time(60))
    assert "owner_silent" in kinds(story.pass_time(125))


def test_what_is_spam_by_now_needs_no_answer() -> None:
    story, _, reply = answered()
    story.do("ann", Label(mention="m1", type="spam"))
    story.hear(outcome(2, reply))
    assert (story.now.kind, story.now.status, story.now.waiting) == ("reply_failed", "spam", False)


def test_what_was_answered_in_another_way_meanwhile_needs_no_answer() -> None:
    story, _, reply = answered()
    story.hear(respond(2))
    story.hear(outcome(3, reply))
    assert (story.now.kind, story.now.waiting) == ("reply_failed", False)


def test_a_reply_that_adds_to_one_which_is_not_public_is_withdrawn() -> None:
    story, token, reply = answered()
    story.reply("ann", token, follows=reply, text="And this.")
    assert kinds(story.hear(outcome(1.1, reply))) == ["reply_withdrawn", "reply_failed"]


def test_an_escalation_that_ended_with_the_answer_starts_again() -> None:
    story = Story()
    story.hear(inbound(), verdict("breached", 5, due=5))
    token = story.claim("ann")
    reply = story.reply("ann", token).reply
    told = story.pass_time(1)
    assert "breached closed at 0.166667, step 1" in escalations(told)
    assert "breached started at 1, step 1" in escalations(story.hear(outcome(2, reply or "")))


def test_a_breach_that_came_while_the_reply_was_on_its_way_escalates_when_it_fails() -> None:
    story, _, reply = answered()
    assert escalations(story.hear(verdict("breached", 120))) == []
    assert escalations(story.hear(outcome(121, reply))) == ["breached started at 1, step 1"]


def test_what_the_customer_wrote_while_a_reply_was_on_its_way_waits_on() -> None:
    """Ann's reply is posted after it, but she had not seen it."""
    story, _, reply = answered()
    story.hear(inbound("m2", 1.5), posted(2, reply))
    assert story.now.waiting
    token = story.claim("ann")
    assert story.reply("ann", token, seen="m2").accepted


def test_a_reply_to_it_that_is_under_way_is_not_withdrawn() -> None:
    story, _, reply = answered()
    story.hear(inbound("m2", 1.5))
    story.reply("ann", story.claim("ann"), seen="m2")
    assert kinds(story.hear(posted(2, reply))) == ["reply_published"]
    story.pass_time(3)
    assert [found.mention for found in story.published] == ["m1", "m2"]


def test_a_message_that_was_answered_and_looked_like_spam_stays_answered() -> None:
    story, _, reply = answered()
    story.hear(posted(2, reply))
    story.do("ann", Label(mention="m1", type="spam"))
    story.do("ann", Label(mention="m1", type="customer_complaint"))
    assert not story.now.waiting


def test_what_is_on_its_way_survives_a_restart() -> None:
    story, _, reply = answered()
    story.desk = restarted(story.desk, {})
    story.hear(outcome(2, reply))
    assert (story.now.kind, story.now.waiting) == ("reply_failed", True)


def test_word_of_a_reply_that_the_desk_never_handed_on_is_ignored() -> None:
    story, _, _ = answered()
    assert story.hear(outcome(2, "another")) == []
