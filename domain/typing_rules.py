"""What a mention is: the model's likeliest type and sentiment, the risks that rules raise, and who looks again."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, TypeVar, get_args

from domain.policy import Policy
from schemas.ids import derive_id
from schemas.records import (
    Classification,
    ClassifiedMention,
    ClassifierMode,
    Mention,
    MentionType,
    RiskFlag,
    Sentiment,
)

Name = TypeVar("Name")

TYPES: Final[tuple[MentionType, ...]] = get_args(MentionType)
SENTIMENTS: Final[tuple[Sentiment, ...]] = get_args(Sentiment)
UNTOLD: Final = "und"
"""The language of a text that is too short, or too mixed, to tell."""
REASON: Final = "the likeliest type of the model"
UNREADABLE: Final = "nothing readable in the text"
DOUBTFUL: Final = "the model is not sure enough of the type"

_SUM_TOLERANCE: Final = 0.01
"""Rounding of a quantised softmax stays far below; logits or scores of another scale do not."""


class Reading(Protocol):
    """What the model reads in a text: probabilities that sum to 1, in the order of SENTIMENTS and of TYPES."""

    @property
    def sentiment(self) -> Sequence[float]: ...
    @property
    def type(self) -> Sequence[float]: ...
    @property
    def language(self) -> str:
        """ISO 639, or UNTOLD."""

    @property
    def readable(self) -> bool:
        """False where nothing was left to read; the type is then a guess without ground."""

    @property
    def read_again(self) -> bool:
        """True where a second model has read the text, and decides."""


class Doubt(NamedTuple):
    """When a person looks again: below the threshold, a probability, or in a language that the model was never
    measured on."""

    threshold: float
    languages: frozenset[str]

    def reason(self, reading: Reading, confidence: float) -> str | None:
        if not reading.readable:
            return UNREADABLE
        if reading.language != UNTOLD and reading.language not in self.languages:
            return f"the model was not measured on the language {reading.language}"
        return DOUBTFUL if confidence < self.threshold else None


class Judge(NamedTuple):
    """A model by its name with hash, and when it is doubted: each model by its own figures."""

    model: str
    doubt: Doubt


class TypingRules:
    """All that decides beside the text."""

    def __init__(self, policy: Policy, doubt: Doubt, model: str, second: Judge | None = None) -> None:
        """`model` names the model and its hash; `second` is the one that reads doubtful texts again."""
        self._policy = policy
        self._first = Judge(model, doubt)
        self._second = None if second is None else second._replace(model=f"{model} > {second.model}")
        # Of four digits of confidence there are not many, and each classification is frozen
        self._remembered = lru_cache(maxsize=16_384)(self._classification)

    def classify(
        self, text: str, reading: Reading, followers: int | None = None, mode: ClassifierMode = "one_stage"
    ) -> Classification:
        """The likeliest type and sentiment; of equals the earlier. Sentiment never changes the type. `mode` is what
        the classification says of how the classifier worked.

        Raises ValueError if the reading holds no probabilities.
        """
        type_, probability = likeliest(reading.type, TYPES)
        sentiment, _ = likeliest(reading.sentiment, SENTIMENTS)
        confidence = round(probability, 4)
        judge = self._judge_of(reading)
        review_reason = judge.doubt.reason(reading, confidence)
        flags = self._policy.risk_flags(text, followers)
        return self._remembered(type_, sentiment, confidence, review_reason, flags, reading.language, judge.model, mode)

    def _judge_of(self, reading: Reading) -> Judge:
        if not reading.read_again:
            return self._first
        if self._second is None:
            raise ValueError("a text was read again, and no second model is known")
        return self._second

    def _classification(
        self,
        type_: MentionType,
        sentiment: Sentiment,
        confidence: float,
        review_reason: str | None,
        risk_flags: tuple[RiskFlag, ...],
        language: str,
        model: str,
        mode: ClassifierMode,
    ) -> Classification:
        return Classification(
            type=type_,
            sentiment=sentiment,
            urgency=self._policy.urgencies[type_],
            confidence=confidence,
            needs_review=review_reason is not None,
            review_reason=review_reason,
            risk_flags=risk_flags,
            language=language,
            reason=REASON,
            model=model,
            mode=mode,
        )


def classified_id(mention: Mention) -> str:
    return derive_id("classified", mention.id)


def classified_mention(mention: Mention, classification: Classification) -> ClassifiedMention:
    return ClassifiedMention(id=classified_id(mention), mention=mention, classification=classification)


def likeliest(probabilities: Sequence[float], names: Sequence[Name]) -> tuple[Name, float]:
    """The name of the largest, of equals the first. Raises ValueError if they are no probabilities."""
    # A NaN fails the comparison too.
    if len(probabilities) != len(names) or not abs(sum(probabilities) - 1) <= _SUM_TOLERANCE:
        raise ValueError(f"scores {tuple(probabilities)} do not sum to 1: the model must give probabilities")
    largest = max(probabilities)
    return names[probabilities.index(largest)], min(float(largest), 1.0)
