"""Which type a mention is: the sentiment decides, and for a neutral one the policy's content words."""

from functools import lru_cache
from typing import Final, NamedTuple

from domain.policy import Policy
from schemas.ids import derive_id
from schemas.records import Classification, ClassifiedMention, Mention, MentionType, Sentiment, Urgency

_SUM_TOLERANCE: Final = 0.01
"""Rounding of a quantised softmax stays far below; logits or scores of another scale do not."""


class SentimentScores(NamedTuple):
    """Probabilities between 0 and 1 that sum to 1."""

    negative: float
    neutral: float
    positive: float


def classify(text: str, scores: tuple[float, float, float], policy: Policy, model: str) -> Classification:
    """The likeliest sentiment decides; of equals the earlier of negative, neutral, positive.

    `scores` are SentimentScores, or a plain tuple of theirs. `model` names the model and its hash. Raises
    ValueError if the scores are not probabilities.
    """
    sentiment, probability = _likeliest(scores)
    type_, reason = _type(sentiment, text, policy)
    confidence = round(probability, 4)
    needs_review = confidence < policy.review_threshold
    return _classification(type_, sentiment, policy.urgencies[type_], confidence, needs_review, reason, model)


def classified_id(mention: Mention) -> str:
    return derive_id("classified", mention.id)


def classified_mention(mention: Mention, classification: Classification) -> ClassifiedMention:
    return ClassifiedMention(id=classified_id(mention), mention=mention, classification=classification)


@lru_cache(maxsize=16_384)
def _classification(
    type_: MentionType,
    sentiment: Sentiment,
    urgency: Urgency,
    confidence: float,
    needs_review: bool,
    reason: str,
    model: str,
) -> Classification:
    """Remembered: of four digits of confidence and a policy's words there are not many, and each is frozen."""
    return Classification(
        type=type_,
        sentiment=sentiment,
        urgency=urgency,
        confidence=confidence,
        needs_review=needs_review,
        reason=reason,
        model=model,
    )


def _likeliest(scores: tuple[float, float, float]) -> tuple[Sentiment, float]:
    negative, neutral, positive = scores
    # A NaN fails the comparison too.
    if not abs(negative + neutral + positive - 1) <= _SUM_TOLERANCE:
        raise ValueError(f"sentiment scores {tuple(scores)} do not sum to 1: the model must give probabilities")
    if negative >= neutral and negative >= positive:
        return "negative", min(float(negative), 1.0)
    if neutral >= positive:
        return "neutral", min(float(neutral), 1.0)
    return "positive", min(float(positive), 1.0)


def _type(sentiment: Sentiment, text: str, policy: Policy) -> tuple[MentionType, str]:
    if sentiment == "negative":
        return "customer_complaint", "negative sentiment"
    if sentiment == "positive":
        return "positive_feedback", "positive sentiment"
    finding = policy.words.find(text)
    if finding is None:
        return "general_conversation", "neutral, and no content word"
    return finding.type, f"neutral, and content word {finding.word!r}"
