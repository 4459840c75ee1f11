"""Who answers a mention, and by when."""

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import Policy, parse_policy
from domain.routing import UnknownBrand, respond, route
from schemas.ids import conversation_key, derive_id
from schemas.records import MentionType, RiskFlag, RoutedMention, Routing, TimerStart
from tests.domain.posts import NOON, POLICY_TEXT, classified, mention, policy, public_reply

POLICY = policy()
TYPES: tuple[MentionType, ...] = get_args(MentionType)
HOURS = {
    "customer_complaint": 2,
    "product_question": 4,
    "sales_inquiry": 4,
    "positive_feedback": 24,
    "general_conversation": 24,
}


def routed(type_: MentionType = "customer_complaint", policy: Policy = POLICY) -> tuple[RoutedMention, TimerStart]:
    found = route(classified(mention(), type_), policy)
    assert found.mention is not None
    assert found.timer is not None
    return found.mention, found.timer


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_ != "spam"])
def test_every_type_but_spam_has_an_owner_and_a_clock(type_: MentionType) -> None:
    mention_, timer = routed(type_)
    assert mention_.routing.owner
    assert mention_.routing.team == timer.team
    assert timer.due_at - timer.started_at == timedelta(hours=HOURS[type_])


def test_spam_goes_nowhere() -> None:
    assert route(classified(mention(), "spam"), POLICY) == (None, None, None)


def test_a_complaint_goes_to_the_support_queue_before_all_else() -> None:
    routing = routed()[0].routing
    assert (routing.team, routing.owner, routing.priority) == ("support", "support-queue", 1)
    assert (routing.first_response_minutes, routing.policy) == (120, POLICY.version)
    assert routing.reason == "customer_complaint is answered by Customer support"


def sent(flags: tuple[RiskFlag, ...] = (), type_: MentionType = "general_conversation", **changes: object) -> Routing:
    before = classified(mention(), type_)
    classification = before.classification.model_copy(update={"sentiment": "neutral", "risk_flags": flags, **changes})
    found = route(before.model_copy(update={"classification": classification}), POLICY).mention
    assert found is not None
    return found.routing


def test_a_risk_goes_to_its_own_queue_and_keeps_the_target_of_the_type() -> None:
    routing = sent(("legal_threat",))
    assert (routing.team, routing.owner) == ("pr", "pr-leads")
    assert routing.reason == "legal_threat is answered by Press and community"
    assert routing.first_response_minutes == 1440


def test_of_several_risks_the_first_in_the_policy_decides_who_answers() -> None:
    assert sent(("legal_threat", "safety")).owner == "pr-leads"
    assert sent(("press_or_influencer", "safety")).owner == "support-leads"


def test_the_timer_names_the_team_that_the_risk_sends_it_to() -> None:
    before = classified(mention(), "product_question")
    classification = before.classification.model_copy(update={"risk_flags": ("press_or_influencer",)})
    found = route(before.model_copy(update={"classification": classification}), POLICY)
    assert found.timer is not None
    assert found.timer.team == "pr"


def test_what_raises_the_priority_adds_up_to_the_first() -> None:
    assert sent().priority == 4
    assert sent(sentiment="negative").priority == 3
    assert sent(("refund_request",), sentiment="negative").priority == 2
    assert sent(("safety",), sentiment="negative").priority == 1


def test_a_verified_author_raises_the_priority() -> None:
    before = classified(mention().model_copy(update={"author_verified": True}), "product_question")
    calm = before.classification.model_copy(update={"sentiment": "neutral"})
    found = route(before.model_copy(update={"classification": calm}), POLICY).mention
    assert found is not None
    assert found.routing.priority == 1


def test_spam_with_a_risk_goes_nowhere_too() -> None:
    before = classified(mention(), "spam")
    risky = before.classification.model_copy(update={"risk_flags": ("security_or_fraud",)})
    assert route(before.model_copy(update={"classification": risky}), POLICY) == (None, None, None)


def test_the_routed_mention_keeps_what_was_classified() -> None:
    before = classified(mention())
    mention_, _ = routed()
    assert (mention_.mention, mention_.classification) == (before.mention, before.classification)


def test_the_target_is_at_risk_after_the_policys_fraction_of_its_time() -> None:
    _, timer = routed()
    assert timer.at_risk_at == NOON + timedelta(minutes=90)


def test_the_clock_starts_when_the_mention_was_posted() -> None:
    late = mention(posted_at=NOON, received_at=NOON + timedelta(minutes=7))
    timer = route(classified(late), POLICY).timer
    assert timer is not None
    assert timer.started_at == NOON


def test_a_channel_whose_clock_runs_ahead_starts_the_clock_when_the_mention_came() -> None:
    early = mention(posted_at=NOON + timedelta(minutes=7), received_at=NOON)
    timer = route(classified(early), POLICY).timer
    assert timer is not None
    assert timer.started_at == NOON


def test_a_brand_that_the_policy_does_not_take_is_refused_by_name() -> None:
    with pytest.raises(UnknownBrand, match=r"'Nobody' is not in the policy: add it to `brands`"):
        route(classified(mention(brand="Nobody"), "spam"), POLICY)


def test_a_policy_may_take_any_brand() -> None:
    head, tail = POLICY_TEXT.split("brands:\n")
    rest = tail[tail.index("# People look again") :]
    anyone = parse_policy(f"{head}brands: any\n{rest}", "policy.yaml")
    assert route(classified(mention(brand="Nobody")), anyone).mention is not None


def test_ids_derive_from_the_mention() -> None:
    mention_, timer = routed()
    assert mention_.id == derive_id("routed", "mention-1")
    assert timer.id == derive_id("timer_start", "mention-1", "first_response")
    assert (timer.mention, timer.conversation) == ("mention-1", "Delta:x:thread%201")


def test_a_reply_stops_the_clock_of_its_conversation_when_it_was_posted() -> None:
    stop = respond(public_reply(posted_at=NOON, received_at=NOON + timedelta(minutes=1)))
    assert (stop.conversation, stop.reply, stop.responded_at) == ("Delta:x:thread%201", "reply-1", NOON)
    assert stop.id == derive_id("timer_respond", "reply-1")


def test_a_reply_from_the_future_counts_from_when_it_came() -> None:
    assert respond(public_reply(posted_at=NOON + timedelta(days=1))).responded_at == NOON


@given(
    st.sampled_from([type_ for type_ in TYPES if type_ != "spam"]),
    st.timedeltas(timedelta(days=-3650), timedelta(days=3650)),
)
def test_start_risk_and_due_are_in_order_whenever_it_was_posted(type_: MentionType, ago: timedelta) -> None:
    found = route(classified(mention(posted_at=NOON - ago), type_), POLICY)
    assert found.timer is not None
    assert found.timer.started_at < found.timer.at_risk_at < found.timer.due_at
    assert TimerStart.model_validate_json(found.timer.model_dump_json()) == found.timer


def test_the_conversation_of_a_mention_and_its_reply_is_one() -> None:
    _, timer = routed()
    assert timer.conversation == respond(public_reply()).conversation == conversation_key("Delta", "x", "thread 1")


def test_the_desk_hears_who_has_the_mention_and_when_it_is_due() -> None:
    found = route(classified(mention()), POLICY)
    assert found.desk is not None
    assert found.mention is not None
    assert found.timer is not None
    assert found.desk.conversation == found.timer.conversation
    assert (found.desk.team, found.desk.queue) == (found.mention.routing.team, found.mention.routing.owner)
    assert found.timer.next_response is not None
    assert (found.desk.due_at, found.desk.next_due_at) == (found.timer.due_at, found.timer.next_response.due_at)


def test_what_may_be_spam_waits_at_the_desk_without_a_clock() -> None:
    before = classified(mention(), "spam")
    doubtful = before.classification.model_copy(update={"needs_review": True})
    found = route(before.model_copy(update={"classification": doubtful}), POLICY)
    assert (found.mention, found.timer) == (None, None)
    assert found.desk is not None
    assert (found.desk.queue, found.desk.due_at, found.desk.needs_review) == ("pr-queue", None, True)
