"""Who answers a mention and by when, and what stops the clock."""

from datetime import datetime
from typing import Final, NamedTuple

from domain.policy import Policy
from domain.policy_sections import PriorityRaises
from domain.targets import Promise, times
from schemas.ids import conversation_key, derive_id
from schemas.records import (
    Classification,
    ClassifiedMention,
    Mention,
    MentionType,
    PublicReply,
    RoutedMention,
    Routing,
    SlaTarget,
    TimerRespond,
    TimerStart,
)

FIRST_RESPONSE: Final[SlaTarget] = "first_response"


class UnknownBrand(ValueError):
    """A mention of a brand that the policy does not take."""


class Routed(NamedTuple):
    """What a classified mention leads to: both, or neither for spam, which nobody answers."""

    mention: RoutedMention | None
    timer: TimerStart | None


_NOWHERE: Final = Routed(None, None)


def route(classified: ClassifiedMention, policy: Policy) -> Routed:
    """The mention with its owner, and the start of its first-response clock.

    Raises UnknownBrand.
    """
    mention, classification = classified.mention, classified.classification
    if not policy.takes(mention.brand):
        raise UnknownBrand(f"brand {mention.brand!r} is not in the policy: add it to `brands`, or mend the sender")
    usual = policy.answers.get(classification.type)
    if usual is None:
        return _NOWHERE
    routing = _routing(usual, mention, classification, policy)
    promise = policy.promise(classification.type, routing.team, routing.priority)
    if promise.first_response_minutes != routing.first_response_minutes:
        routing = routing.model_copy(update={"first_response_minutes": promise.first_response_minutes})
    routed = RoutedMention(
        id=derive_id("routed", mention.id), mention=mention, classification=classification, routing=routing
    )
    return Routed(routed, _timer_start(mention, classification.type, routing, promise, policy))


def respond(reply: PublicReply) -> TimerRespond:
    """Stops the clock of the reply's conversation at the time of the post."""
    return TimerRespond(
        id=derive_id("timer_respond", reply.id),
        conversation=conversation_key(reply.brand, reply.channel, reply.thread),
        reply=reply.id,
        responded_at=event_time(reply),
        automatic=reply.automatic,
    )


def event_time(post: Mention | PublicReply) -> datetime:
    """When it was posted; a channel's clock that runs ahead of ours counts as when it was received."""
    return min(post.posted_at, post.received_at)


def _routing(usual: Routing, mention: Mention, classification: Classification, policy: Policy) -> Routing:
    """The type's routing, or another owner and a higher priority where risk, sentiment or author ask for them."""
    steps = _raised_by(mention, classification, policy.raise_priority)
    sent = next((rule for rule in policy.send_to if rule.flag in classification.risk_flags), None)
    if sent is None and not steps:
        return usual
    changes: dict[str, object] = {"priority": max(1, usual.priority - steps)}
    if sent is not None:
        name = policy.teams[sent.team].name
        changes |= {"team": sent.team, "owner": sent.owner, "reason": f"{sent.flag} is answered by {name}"}
    return usual.model_copy(update=changes)


def _raised_by(mention: Mention, classification: Classification, raises: PriorityRaises) -> int:
    """Steps up, of all causes together."""
    steps = sum(raises.risk_flags.get(flag, 0) for flag in classification.risk_flags)
    steps += raises.negative_sentiment if classification.sentiment == "negative" else 0
    return steps + (raises.verified_author if mention.author_verified else 0)


def _timer_start(
    mention: Mention, type_: MentionType, routing: Routing, promise: Promise, policy: Policy
) -> TimerStart:
    started_at = event_time(mention) if policy.start_from == "posted" else mention.received_at
    first = times(promise.first_response, started_at, promise.calendar, policy.time)
    following = promise.next_response
    if following is not None and following != promise.first_response:
        later = times(following, started_at, promise.calendar, policy.time)
    else:
        later = first
    return TimerStart(
        id=derive_id("timer_start", mention.id, FIRST_RESPONSE),
        conversation=conversation_key(mention.brand, mention.channel, mention.thread),
        target=FIRST_RESPONSE,
        mention=mention.id,
        brand=mention.brand,
        type=type_,
        team=routing.team,
        started_at=started_at,
        at_risk_at=first.at_risk_at,
        at_risk_again=first.at_risk_again,
        due_at=first.due_at,
        policy=routing.policy,
        calendar=promise.calendar,
        minutes=promise.first_response_minutes,
        received_at=mention.received_at,
        next_response=None if following is None else later,
        resolution=promise.resolution,
        reopen_days=promise.reopen_days,
        priority=routing.priority,
    )
