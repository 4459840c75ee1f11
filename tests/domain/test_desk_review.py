"""Human review: what waits for a label, and what the label does to owner, clock and status."""

import pytest

from schemas.desk_records import Claim, Label, Resolve
from schemas.records import MentionType, TimerCancel, TimerStart, TimerSupersede
from tests.domain.desk_log import Story, escalations, inbound, kinds, refund, respond, timers
from tests.domain.timer_log import minute


def in_review(type_: MentionType = "customer_complaint") -> Story:
    story = Story()
    story.hear(inbound(type_=type_, doubtful=True))
    return story


def test_a_doubtful_message_has_an_owner_and_waits_for_its_label() -> None:
    story = in_review()
    assert (story.now.queue, story.now.in_review) == ("support-queue", 1)
    assert timers(story) == ["timer_start review"]
    token = story.claim("ann")
    assert story.reply("ann", token).code == "in_review"
    assert story.do("ann", Resolve(last_inbound="m1")).code == "in_review"


def test_a_label_that_agrees_ends_the_review_and_nothing_else() -> None:
    story = in_review()
    token = story.claim("ann")
    assert story.do("ann", Label(mention="m1", type="customer_complaint")).accepted
    assert (story.now.kind, story.now.in_review, story.now.holder) == ("labelled", 0, "ann")
    assert timers(story) == ["timer_start review", "timer_stop review"]
    assert story.reply("ann", token).accepted


def test_another_type_routes_again_and_moves_the_clock() -> None:
    story = in_review()
    story.claim("ann")
    story.do("ann", Label(mention="m1", type="sales_inquiry"))
    now = story.now
    assert (now.type, now.team, now.queue, now.owner, now.holder) == (
        "sales_inquiry", "sales", "sales-queue", None, None,
    )  # fmt: skip
    assert now.label == Label(mention="m1", type="sales_inquiry")
    (moved,) = [timer for timer in story.timers if isinstance(timer, TimerSupersede)]
    assert (moved.mention, moved.type, moved.team, moved.reason) == (
        "m1", "sales_inquiry", "sales", "labelled as sales_inquiry",
    )  # fmt: skip
    assert [(target.target, target.minutes, target.at_risk) for target in moved.targets] == [
        ("first_response", 240, (180,)),
        ("next_response", 240, (180,)),
    ]


def test_within_the_team_whoever_has_it_keeps_it() -> None:
    story = Story()
    story.hear(inbound(type_="positive_feedback", doubtful=True))
    story.claim("ann")
    story.do("ann", Label(mention="m1", type="general_conversation"))
    assert (story.now.type, story.now.owner, story.now.holder) == ("general_conversation", "ann", "ann")


def test_flags_that_a_person_sees_route_it_too() -> None:
    story = in_review()
    story.do("ann", Label(mention="m1", type="customer_complaint", risk_flags=("legal_threat",)))
    labelled = next(event for event in story.told if getattr(event, "kind", "") == "labelled")
    assert (labelled.team, labelled.queue, labelled.priority) == ("pr", "pr-leads", 1)  # type: ignore[union-attr]


def test_spam_ends_the_conversation_and_its_clock() -> None:
    story = in_review()
    story.claim("ann")
    story.do("ann", Label(mention="m1", type="spam"))
    assert (story.now.status, story.now.owner, story.now.waiting) == ("spam", None, False)
    (cancelled,) = [timer for timer in story.timers if isinstance(timer, TimerCancel)]
    assert (cancelled.mention, cancelled.reason) == ("m1", "labelled as spam")
    assert story.do("ann", Claim()).reason == "the conversation is spam; label it as something else first"


def test_one_spam_message_among_others_ends_nothing() -> None:
    story = Story()
    story.hear(inbound(), inbound("m2", 1))
    story.do("ann", Label(mention="m2", type="spam"))
    assert (story.now.status, story.now.waiting) == ("open", True)


def test_spam_at_first_sight_gets_its_clock_when_it_is_none() -> None:
    story = in_review("spam")
    assert (story.now.status, story.now.queue, timers(story)) == ("open", "pr-queue", [])
    story.do("ann", Label(mention="m1", type="customer_complaint"))
    (start,) = [timer for timer in story.timers if isinstance(timer, TimerStart)]
    assert (start.target, start.mention, start.team, start.minutes) == ("first_response", "m1", "support", 120)
    assert (story.now.queue, story.now.waiting) == ("support-queue", True)


def test_what_was_labelled_spam_by_mistake_comes_back() -> None:
    story = in_review()
    story.do("ann", Label(mention="m1", type="spam"))
    assert story.do("bob", Label(mention="m1", type="customer_complaint")).accepted
    assert (story.now.status, story.now.waiting, story.now.queue) == ("open", True, "support-queue")


def test_a_message_that_is_no_spam_after_all_opens_the_conversation_that_was_resolved_before_it() -> None:
    """Whoever resolved it has not read it as what it is, and its clock runs: somebody has to answer."""
    story = Story()
    story.hear(inbound())
    story.do("ann", Resolve(last_inbound="m1"))
    assert kinds(story.hear(inbound("m2", 9, type_="spam"))) == ["customer_wrote"]
    assert (story.now.status, story.now.waiting) == ("resolved", False)
    assert story.do("bob", Label(mention="m2", type="sales_inquiry")).accepted
    assert (story.now.status, story.now.waiting, story.now.queue) == ("open", True, "sales-queue")
    (start,) = [timer for timer in story.timers if isinstance(timer, TimerStart)]
    assert (start.mention, start.target) == ("m2", "first_response")
    assert story.reply("ann", story.claim("ann"), seen="m2").accepted


def test_a_slip_of_the_label_opens_a_resolved_conversation_too() -> None:
    story = Story()
    story.hear(inbound(), inbound("m2", 1))
    story.do("ann", Resolve(last_inbound="m2"))
    story.do("ann", Label(mention="m2", type="spam"))
    assert (story.now.status, story.now.waiting) == ("resolved", False)
    story.do("ann", Label(mention="m2", type="customer_complaint"))
    assert (story.now.status, story.now.waiting) == ("open", True)


def test_another_label_of_what_was_resolved_leaves_it_resolved() -> None:
    story = Story()
    story.hear(inbound())
    story.do("ann", Resolve(last_inbound="m1"))
    story.do("ann", Label(mention="m1", type="sales_inquiry"))
    assert (story.now.status, story.now.waiting) == ("resolved", False)


def test_no_spam_that_has_its_answer_leaves_the_conversation_resolved() -> None:
    story = Story()
    story.hear(inbound())
    story.do("ann", Resolve(last_inbound="m1"))
    story.hear(inbound("m2", 1, type_="spam"), respond(2))
    story.do("ann", Label(mention="m2", type="customer_complaint"))
    assert (story.now.status, story.now.waiting) == ("resolved", False)


def test_its_flags_escalate_again_when_a_conversation_comes_back_from_spam() -> None:
    story = Story()
    story.hear(inbound(flags=("legal_threat",)))
    story.do("ann", Label(mention="m1", type="spam"))
    told = len(story.told)
    story.do("bob", Label(mention="m1", type="customer_complaint"))
    assert escalations(story.told[told:]) == ["legal_threat started at 0, step 1"]


def test_the_review_and_the_approval_are_due_at_their_share_of_the_response_and_never_after_it() -> None:
    """120 minutes: a tenth of them for the review, a quarter for the approval, of which five are left."""
    story = in_review()
    story.pass_time(115)
    story.do("ann", Label(mention="m1", type="customer_complaint"))
    story.reply("ann", story.claim("ann"), promises=(refund(10_000),))
    due = {timer.target: timer.due_at for timer in story.timers if isinstance(timer, TimerStart)}
    assert (due["review"], due["approval"]) == (minute(12), minute(120))


def test_what_was_spam_at_first_sight_has_its_approval_in_time_too() -> None:
    story = in_review("spam")
    story.do("ann", Label(mention="m1", type="customer_complaint"))
    story.reply("ann", story.claim("ann"), promises=(refund(10_000),))
    due = {timer.target: timer.due_at for timer in story.timers if isinstance(timer, TimerStart)}
    assert (due["first_response"], due["approval"]) == (minute(120), minute(30))


def test_the_customer_brings_a_conversation_back_from_spam() -> None:
    story = in_review()
    story.do("ann", Label(mention="m1", type="spam"))
    assert kinds(story.hear(inbound("m2", 9))) == ["reopened"]


@pytest.mark.parametrize(("by", "mention", "code"), [("ann", "m9", "unknown_mention"), ("eve", "m1", "not_allowed")])
def test_labels_that_are_refused(by: str, mention: str, code: str) -> None:
    story = in_review()
    assert story.do(by, Label(mention=mention, type="spam")).code == code


def test_somebody_who_holds_the_conversation_is_not_interfered_with() -> None:
    story = in_review()
    story.claim("ann")
    assert story.do("bob", Label(mention="m1", type="spam")).code == "claimed_by_other"
