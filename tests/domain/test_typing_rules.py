"""Which type a mention is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.typing_rules import SentimentScores, classified_mention, classify
from schemas.ids import derive_id
from schemas.records import Classification
from tests.domain.posts import mention, policy

POLICY = policy()
NEGATIVE = SentimentScores(0.8, 0.1, 0.1)
NEUTRAL = SentimentScores(0.1, 0.8, 0.1)
POSITIVE = SentimentScores(0.1, 0.1, 0.8)


def classified(text: str, scores: SentimentScores) -> Classification:
    return classify(text, scores, POLICY, "model:1")


def test_a_negative_mention_is_a_complaint_whatever_its_words() -> None:
    found = classified("How much is it?", NEGATIVE)
    assert (found.type, found.sentiment, found.urgency) == ("customer_complaint", "negative", "urgent")


def test_a_positive_mention_is_praise_whatever_its_words() -> None:
    found = classified("How much is it?", POSITIVE)
    assert (found.type, found.sentiment, found.urgency) == ("positive_feedback", "positive", "medium")


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("How much is the family plan", "sales_inquiry"),
        ("How do I add a second user", "product_question"),
        ("Is it true?", "product_question"),
        ("The app is not working since noon", "customer_complaint"),
        ("GIVEAWAY: click here", "spam"),
        ("Well done, all of you", "positive_feedback"),
        ("Sent.", "general_conversation"),
    ],
)
def test_content_words_decide_a_neutral_mention(text: str, type_: str) -> None:
    assert classified(text, NEUTRAL).type == type_


def test_the_reason_names_what_decided() -> None:
    assert classified("What is the price?", NEUTRAL).reason == "neutral, and content word 'price'"
    assert classified("Sent.", NEUTRAL).reason == "neutral, and no content word"
    assert classified("Sent.", NEGATIVE).reason == "negative sentiment"


@pytest.mark.parametrize(("probability", "doubtful"), [(0.5999, True), (0.6, False), (0.59999, False)])
def test_a_person_looks_again_below_the_threshold(probability: float, doubtful: bool) -> None:
    rest = (1 - probability) / 2
    assert classified("Sent.", SentimentScores(rest, probability, rest)).needs_review is doubtful


def test_confidence_is_the_deciding_probability_rounded_to_four_digits() -> None:
    assert classified("Sent.", SentimentScores(0.123456, 0.2, 0.676544)).confidence == 0.6765


def test_of_equal_sentiments_the_more_pressing_decides() -> None:
    assert classified("Sent.", SentimentScores(0.4, 0.4, 0.2)).sentiment == "negative"
    assert classified("Sent.", SentimentScores(0.2, 0.4, 0.4)).sentiment == "neutral"


@pytest.mark.parametrize("scores", [(2.0, -1.0, 3.0), (math.nan, 0.5, 0.5), (0.1, 0.1, 0.1)])
def test_scores_that_are_no_probabilities_are_refused(scores: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="do not sum to 1"):
        classified("Sent.", SentimentScores(*scores))


@given(st.text(), st.tuples(*[st.floats(0.001, 1)] * 3))
def test_every_text_gets_a_valid_classification(text: str, raw: tuple[float, float, float]) -> None:
    found = classified(text, SentimentScores(*(part / sum(raw) for part in raw)))
    assert Classification.model_validate_json(found.model_dump_json()) == found


def test_a_classified_mention_has_the_same_id_when_it_is_made_again() -> None:
    found = classified("Sent.", NEUTRAL)
    made = classified_mention(mention(), found)
    assert made.id == derive_id("classified", "mention-1")
    assert (made.mention, made.classification) == (mention(), found)
