"""Who answers a mention and by when, and what stops the clock."""

from datetime import datetime
from typing import Final, NamedTuple

from domain.policy import Policy
from domain.policy_sections import PriorityRaises
from domain.targets import times
from schemas.desk_records import DeskInbound
from schemas.ids import conversation_key, derive_id
from schemas.records import (
    ClassifiedMention,
    Mention,
    MentionType,
    PublicReply,
    RiskFlag,
    RoutedMention,
    Routing,
    Sentiment,
    SlaTarget,
    TimerRespond,
    TimerStart,
)

FIRST_RESPONSE: Final[SlaTarget] = "first_response"


class UnknownBrand(ValueError):
    """A mention of a brand that the policy does not take."""


class Routed(NamedTuple):
    """What a classified mention leads to: all, or nothing for spam, which nobody answers.

    Spam that somebody looks at again is the desk's alone: it has no clock until it turns out to be none.
    """

    mention: RoutedMention | None
    timer: TimerStart | None
    desk: DeskInbound | None


class Aspects(NamedTuple):
    """All of a mention that decides who answers it."""

    type: MentionType
    sentiment: Sentiment
    risk_flags: tuple[RiskFlag, ...]
    author_verified: bool


class Asked(NamedTuple):
    """A mention that asks for an answer. `posted_at` is event time."""

    conversation: str
    mention: str
    brand: str
    posted_at: datetime
    received_at: datetime


_NOWHERE: Final = Routed(None, None, None)
_LOOKS_AT_SPAM: Final[MentionType] = "general_conversation"
"""Whoever answers this type looks again at what may be spam."""


def route(classified: ClassifiedMention, policy: Policy) -> Routed:
    """The mention with its owner, and the start of its first-response clock.

    Raises UnknownBrand.
    """
    mention, classification = classified.mention, classified.classification
    if not policy.takes(mention.brand):
        raise UnknownBrand(f"brand {mention.brand!r} is not in the policy: add it to `brands`, or mend the sender")
    aspects = Aspects(classification.type, classification.sentiment, classification.risk_flags, mention.author_verified)
    routing = routing_of(aspects, policy)
    if routing is None:
        return _doubtful_spam(classified, policy) if classification.needs_review else _NOWHERE
    routed = RoutedMention(
        id=derive_id("routed", mention.id), mention=mention, classification=classification, routing=routing
    )
    conversation = conversation_key(mention.brand, mention.channel, mention.thread)
    asked = Asked(conversation, mention.id, mention.brand, event_time(mention), mention.received_at)
    timer = timer_start(asked, classification.type, routing, policy)
    return Routed(routed, timer, _desk_inbound(classified, routing, timer))


def _doubtful_spam(classified: ClassifiedMention, policy: Policy) -> Routed:
    return Routed(None, None, _desk_inbound(classified, policy.answers[_LOOKS_AT_SPAM], None))


def _desk_inbound(classified: ClassifiedMention, routing: Routing, timer: TimerStart | None) -> DeskInbound:
    mention, classification = classified.mention, classified.classification
    following = None if timer is None else timer.next_response
    return DeskInbound(
        id=derive_id("desk_inbound", mention.id),
        conversation=conversation_key(mention.brand, mention.channel, mention.thread),
        mention=mention.id,
        brand=mention.brand,
        type=classification.type,
        sentiment=classification.sentiment,
        risk_flags=classification.risk_flags,
        needs_review=classification.needs_review,
        author_verified=mention.author_verified,
        language=classification.language,
        team=routing.team,
        queue=routing.owner,
        priority=routing.priority,
        policy=routing.policy,
        posted_at=event_time(mention),
        received_at=mention.received_at,
        due_at=None if timer is None else timer.due_at,
        next_due_at=None if following is None else following.due_at,
    )


def routing_of(aspects: Aspects, policy: Policy) -> Routing | None:
    """Who answers such a mention; None for spam."""
    usual = policy.answers.get(aspects.type)
    if usual is None:
        return None
    routing = _routing(usual, aspects, policy)
    promise = policy.promise(aspects.type, routing.team, routing.priority)
    if promise.first_response_minutes == routing.first_response_minutes:
        return routing
    return routing.model_copy(update={"first_response_minutes": promise.first_response_minutes})


def respond(reply: PublicReply) -> TimerRespond:
    """Stops the clock of the reply's conversation at the time of the post."""
    return TimerRespond(
        id=derive_id("timer_respond", reply.id),
        conversation=conversation_key(reply.brand, reply.channel, reply.thread),
        reply=reply.id,
        responded_at=event_time(reply),
        automatic=reply.automatic,
        desk_reply=reply.reply,
    )


def event_time(post: Mention | PublicReply) -> datetime:
    """When it was posted; a channel's clock that runs ahead of ours counts as when it was received."""
    return min(post.posted_at, post.received_at)


def _routing(usual: Routing, aspects: Aspects, policy: Policy) -> Routing:
    """The type's routing, or another owner and a higher priority where risk, sentiment or author ask for them."""
    steps = _raised_by(aspects, policy.raise_priority)
    sent = next((rule for rule in policy.send_to if rule.flag in aspects.risk_flags), None)
    if sent is None and not steps:
        return usual
    changes: dict[str, object] = {"priority": max(1, usual.priority - steps)}
    if sent is not None:
        name = policy.teams[sent.team].name
        changes |= {"team": sent.team, "owner": sent.owner, "reason": f"{sent.flag} is answered by {name}"}
    return usual.model_copy(update=changes)


def _raised_by(aspects: Aspects, raises: PriorityRaises) -> int:
    """Steps up, of all causes together."""
    steps = sum(raises.risk_flags.get(flag, 0) for flag in aspects.risk_flags)
    steps += raises.negative_sentiment if aspects.sentiment == "negative" else 0
    return steps + (raises.verified_author if aspects.author_verified else 0)


def timer_start(asked: Asked, type_: MentionType, routing: Routing, policy: Policy) -> TimerStart:
    """The start of the mention's clock, with all that it may need."""
    promise = policy.promise(type_, routing.team, routing.priority)
    started_at = asked.posted_at if policy.start_from == "posted" else asked.received_at
    first = times(promise.first_response, started_at, promise.calendar, policy.time)
    following = promise.next_response
    if following is not None and following != promise.first_response:
        later = times(following, started_at, promise.calendar, policy.time)
    else:
        later = first
    return TimerStart(
        id=derive_id("timer_start", asked.mention, FIRST_RESPONSE),
        conversation=asked.conversation,
        target=FIRST_RESPONSE,
        mention=asked.mention,
        brand=asked.brand,
        type=type_,
        team=routing.team,
        started_at=started_at,
        at_risk_at=first.at_risk_at,
        at_risk_again=first.at_risk_again,
        due_at=first.due_at,
        policy=routing.policy,
        calendar=promise.calendar,
        minutes=promise.first_response_minutes,
        received_at=asked.received_at,
        next_response=None if following is None else later,
        resolution=promise.resolution,
        reopen_days=promise.reopen_days,
        priority=routing.priority,
    )
