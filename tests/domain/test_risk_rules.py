"""Which risks a mention carries."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk_rules import RiskHit, RiskRules, flags_of
from schemas.records import RiskFlag

RULES = RiskRules(
    [
        ("refund_request", ["refund", "money back"], ["refund policy", "your refund policy is", "refund refund"]),
        ("legal_threat", ["lawyer", "small claims", "court"], ["food court"]),
        ("legal_threat", ["see you in court"], []),
        ("safety", ["caught fire", "🔥"], ["fire sale 🔥"]),
    ]
)


@pytest.mark.parametrize("text", ["I want a REFUND", "#refund", "refund!!", "my money-back, now", "my money\nback"])
def test_a_word_raises_its_flag_whatever_its_case_and_what_stands_around_it(text: str) -> None:
    assert RULES.flags(text) == ("refund_request",)


@pytest.mark.parametrize("text", ["", "nonrefundable", "refunds_", "money", "see https://example.com/refund"])
def test_parts_of_words_and_links_raise_nothing(text: str) -> None:
    assert RULES.flags(text) == ()


def test_flags_are_sorted_and_each_comes_once() -> None:
    text = "My lawyer says refund, my other lawyer says small claims, and it caught fire"
    assert RULES.flags(text) == ("legal_threat", "refund_request", "safety")


def test_every_word_that_raised_a_flag_is_told_once_in_the_order_of_the_rules() -> None:
    hits = RULES.hits("lawyer, lawyer, refund, see you in court")
    assert hits == [
        RiskHit("refund_request", "refund"),
        RiskHit("legal_threat", "lawyer"),
        RiskHit("legal_threat", "court"),
        RiskHit("legal_threat", "see you in court"),
    ]


def test_an_exception_takes_back_the_word_inside_it() -> None:
    assert RULES.flags("Where is your Refund-Policy?") == ()
    assert RULES.flags("the food court food court") == ()


def test_an_exception_takes_back_no_other_occurrence_of_the_word() -> None:
    assert RULES.flags("What is your refund policy? I want a refund") == ("refund_request",)
    assert RULES.flags("A refund! What is your refund policy?") == ("refund_request",)


def test_an_exception_takes_back_no_other_word_of_its_rule() -> None:
    assert RULES.flags("Your refund policy is a joke, my money back") == ("refund_request",)


def test_an_exception_says_nothing_about_other_rules() -> None:
    rules = RiskRules([("refund_request", ["refund"], ["refund scam"]), ("security_or_fraud", ["scam"], [])])
    assert rules.flags("refund scam") == ("security_or_fraud",)


def test_a_symbol_raises_a_flag_wherever_it_stands() -> None:
    assert RULES.flags("phone🔥") == ("safety",)
    assert RULES.flags("fire sale🔥") == ()


def test_without_rules_there_is_no_flag() -> None:
    assert RiskRules([]).flags("I want a refund") == ()


@given(st.lists(st.sampled_from(["refund", "policy", "court", "food", "lawyer", ","]), max_size=8), st.text())
def test_more_text_after_a_full_stop_clears_no_flag(words: list[str], more: str) -> None:
    text = " ".join(words)
    assert set(RULES.flags(text)) <= set(RULES.flags(f"{text} stop. {more}"))


@given(st.lists(st.sampled_from(["refund", "policy", "small", "claims", "court", "food", "caught", "fire", "it"])))
def test_every_flag_is_known_and_the_flags_are_those_of_the_hits(words: list[str]) -> None:
    text = " ".join(words)
    flags = RULES.flags(text)
    assert flags == flags_of(RULES.hits(text))
    assert set(flags) <= set(get_args(RiskFlag))
