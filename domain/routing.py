"""Who answers a mention and by when, and what stops the clock."""

from datetime import datetime
from typing import Final, NamedTuple

from domain.policy import Answer, Policy
from schemas.ids import conversation_key, derive_id
from schemas.records import (
    Classification,
    ClassifiedMention,
    Mention,
    PublicReply,
    RoutedMention,
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
    answer = policy.answers.get(classification.type)
    if answer is None:
        return _NOWHERE
    return Routed(_routed_mention(mention, classification, answer), _timer_start(mention, classification, answer))


def respond(reply: PublicReply) -> TimerRespond:
    """Stops the clock of the reply's conversation at the time of the post."""
    return TimerRespond(
        id=derive_id("timer_respond", reply.id),
        conversation=conversation_key(reply.brand, reply.channel, reply.thread),
        reply=reply.id,
        responded_at=_event_time(reply),
    )


def _routed_mention(mention: Mention, classification: Classification, answer: Answer) -> RoutedMention:
    return RoutedMention(
        id=derive_id("routed", mention.id),
        mention=mention,
        classification=classification,
        routing=answer.routing,
    )


def _timer_start(mention: Mention, classification: Classification, answer: Answer) -> TimerStart:
    started_at = _event_time(mention)
    return TimerStart(
        id=derive_id("timer_start", mention.id, FIRST_RESPONSE),
        conversation=conversation_key(mention.brand, mention.channel, mention.thread),
        target=FIRST_RESPONSE,
        mention=mention.id,
        brand=mention.brand,
        type=classification.type,
        team=answer.routing.team,
        started_at=started_at,
        at_risk_at=started_at + answer.at_risk_after,
        due_at=started_at + answer.due_after,
        policy=answer.routing.policy,
    )


def _event_time(post: Mention | PublicReply) -> datetime:
    """When it was posted; a channel's clock that runs ahead of ours counts as when it was received."""
    return min(post.posted_at, post.received_at)
