"""What a mention is, and who looks again."""

import math
from typing import NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.typing_rules import SENTIMENTS, TYPES, Doubt, Judge, TypingRules, classified_mention
from schemas.ids import derive_id
from schemas.records import Classification, ClassifierMode, MentionType, Sentiment
from tests.domain.posts import mention, policy

RULES = TypingRules(policy(), Doubt(0.6, frozenset({"en"})), "model:1")


class Read(NamedTuple):
    """A reading."""

    sentiment: tuple[float, ...]
    type: tuple[float, ...]
    language: str = "en"
    readable: bool = True
    read_again: bool = False


def shares(names: tuple[str, ...], likeliest: str, probability: float) -> tuple[float, ...]:
    rest = (1 - probability) / (len(names) - 1)
    return tuple(probability if name == likeliest else rest for name in names)


def read(type_: MentionType = "product_question", sentiment: Sentiment = "neutral", probability: float = 0.8) -> Read:
    return Read(shares(SENTIMENTS, sentiment, 0.9), shares(TYPES, type_, probability))


@pytest.mark.parametrize("sentiment", SENTIMENTS)
@pytest.mark.parametrize("type_", TYPES)
def test_sentiment_never_changes_the_learned_type(type_: MentionType, sentiment: Sentiment) -> None:
    found = RULES.classify("Hello", read(type_, sentiment))
    assert (found.type, found.sentiment) == (type_, sentiment)


@pytest.mark.parametrize(
    ("type_", "urgency"),
    [
        ("customer_complaint", "urgent"),
        ("product_question", "high"),
        ("sales_inquiry", "high"),
        ("positive_feedback", "medium"),
        ("general_conversation", "low"),
        ("spam", "none"),
    ],
)
def test_urgency_follows_the_type(type_: MentionType, urgency: str) -> None:
    assert RULES.classify("Hello", read(type_)).urgency == urgency


@pytest.mark.parametrize(("probability", "doubtful"), [(0.5999, True), (0.6, False), (0.59999, False)])
def test_a_person_looks_again_below_the_threshold(probability: float, doubtful: bool) -> None:
    found = RULES.classify("Hello", read(probability=probability))
    assert found.needs_review is doubtful
    assert found.review_reason == ("the model is not sure enough of the type" if doubtful else None)


def test_a_language_that_the_model_was_not_measured_on_keeps_its_guess_and_goes_to_review() -> None:
    found = RULES.classify("¿Cuánto cuesta?", read("sales_inquiry")._replace(language="es"))
    assert (found.type, found.language, found.needs_review) == ("sales_inquiry", "es", True)
    assert found.review_reason == "the model was not measured on the language es"


def test_a_text_too_short_to_tell_its_language_is_not_doubted_for_that() -> None:
    assert not RULES.classify("ok", read()._replace(language="und")).needs_review


def test_a_text_with_nothing_readable_goes_to_review() -> None:
    found = RULES.classify("", read(probability=1.0)._replace(readable=False))
    assert found.review_reason == "nothing readable in the text"


def test_words_raise_risk_flags_whatever_the_model_says() -> None:
    praise = read("positive_feedback", "positive")
    found = RULES.classify("Love it! My lawyer will be in touch, I want a refund", praise)
    assert found.risk_flags == ("legal_threat", "refund_request")
    assert found.type == "positive_feedback"


def test_an_author_whom_many_follow_counts_as_press_or_influencer() -> None:
    least = policy().influencer_followers
    assert RULES.classify("Hello", read(), followers=least).risk_flags == ("press_or_influencer",)
    assert RULES.classify("Hello", read(), followers=least - 1).risk_flags == ()


def test_confidence_is_the_probability_of_the_type_rounded_to_four_digits() -> None:
    assert RULES.classify("Hello", read(probability=0.676544)).confidence == 0.6765


def test_of_equals_the_more_pressing_type_decides() -> None:
    tied = read()._replace(type=(0.3, 0.3, 0.1, 0.1, 0.1, 0.1))
    assert RULES.classify("Hello", tied).type == "customer_complaint"


@pytest.mark.parametrize("scores", [(2.0, -1.0, 3.0), (math.nan, 0.5, 0.5), (0.1, 0.1, 0.1), (0.5, 0.5)])
def test_scores_that_are_no_probabilities_are_refused(scores: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="do not sum to 1"):
        RULES.classify("Hello", read()._replace(sentiment=scores))


TWO_STAGES = TypingRules(
    policy(), Doubt(0.6, frozenset({"en"})), "model:1", Judge("model:2", Doubt(0.7, frozenset({"en", "es"})))
)


@pytest.mark.parametrize("mode", get_args(ClassifierMode))
def test_a_classification_says_how_the_classifier_worked(mode: ClassifierMode) -> None:
    assert TWO_STAGES.classify("Hello", read(), mode=mode).mode == mode


def test_the_models_that_decided_are_named() -> None:
    assert TWO_STAGES.classify("Hello", read()).model == "model:1"
    assert TWO_STAGES.classify("Hello", read()._replace(read_again=True)).model == "model:1 > model:2"


@pytest.mark.parametrize(("again", "doubtful"), [(False, False), (True, True)])
def test_each_model_is_doubted_by_its_own_threshold(again: bool, doubtful: bool) -> None:
    found = TWO_STAGES.classify("Hello", read(probability=0.65)._replace(read_again=again))
    assert found.needs_review is doubtful


def test_a_language_that_the_second_model_was_measured_on_is_not_doubted_once_it_has_read() -> None:
    spanish = read()._replace(language="es")
    assert TWO_STAGES.classify("Hola", spanish).needs_review
    assert not TWO_STAGES.classify("Hola", spanish._replace(read_again=True)).needs_review


def test_a_second_reading_without_a_second_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no second model"):
        RULES.classify("Hello", read()._replace(read_again=True))


@given(st.text(), st.tuples(*[st.floats(0.001, 1)] * 3), st.tuples(*[st.floats(0.001, 1)] * 6))
def test_every_text_gets_a_valid_classification(text: str, first: tuple[float, ...], second: tuple[float, ...]) -> None:
    reading = Read(tuple(part / sum(first) for part in first), tuple(part / sum(second) for part in second))
    found = RULES.classify(text, reading)
    assert Classification.model_validate_json(found.model_dump_json()) == found


def test_a_classified_mention_has_the_same_id_when_it_is_made_again() -> None:
    found = RULES.classify("Hello", read())
    made = classified_mention(mention(), found)
    assert made.id == derive_id("classified", "mention-1")
    assert (made.mention, made.classification) == (mention(), found)
