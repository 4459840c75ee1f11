"""Which words of an index a text has."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.word_index import WordIndex

WORDS = WordIndex(
    [
        ("spam", ["giveaway"]),
        ("sales_inquiry", ["buy", "how much", "pre-order", "größe", "can't pay", "価格"]),
        ("product_question", ["how", "?", "🤔"]),
    ]
)


def found(text: str) -> str | None:
    finding = WORDS.find(text)
    return finding.word if finding else None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("I want to BUY one", "buy"),
        ("buy", "buy"),
        ("(buy)", "buy"),
        ("to buy, now", "buy"),
        ("buy😡", "buy"),
        ("how   much\nis it", "how much"),
        ("Preorder or pre order", "pre-order"),
        ("GRÖSSE", "größe"),
        ("I can’t pay", "can't pay"),
        ("hm🤔hm", "🤔"),
        ("really?", "?"),
        ("really?!", "?"),
        ("the 価格 of it", "価格"),
    ],
)
def test_a_word_is_found_whole_whatever_its_case_and_what_stands_around_it(text: str, word: str) -> None:
    assert found(text) == word


@pytest.mark.parametrize("text", ["", "buyer", "xbuy", "buy_now", "muchhow", "howmuch", "can t", "groß"])
def test_a_part_of_a_word_is_not_found(text: str) -> None:
    assert found(text) is None


def test_the_first_entry_decides_wherever_its_word_stands() -> None:
    assert found("How do I buy it? No giveaway") == "giveaway"
    assert found("how do I buy it?") == "buy"


def test_a_phrase_is_found_although_its_first_word_is_an_entry_too() -> None:
    assert found("how much") == "how much"
    assert found("much, how") == "how"


@pytest.mark.parametrize("link", ["https://example.com/buy?a=1", "//example.com/?", "HTTPS://EXAMPLE.COM/?"])
def test_a_link_has_no_words(link: str) -> None:
    assert found(f"see {link} there") is None
    assert found(f"see {link} how") == "how"


def test_without_entries_nothing_is_found() -> None:
    assert WordIndex([]).find("how much?") is None


@given(st.lists(st.sampled_from(["buy", "Buyer", "how", "MUCH", "a", "is it", "x-buy", "?", ",", "_"]), max_size=12))
def test_ascii_texts_have_the_words_that_a_plain_search_finds(parts: list[str]) -> None:
    text = " ".join(parts)
    plain = [
        (word, rf"(?<!\w){re.escape(word)}(?!\w)" if word.isalpha() else rf"{re.escape(word)}")
        for word in ("buy", "how much", "how", "?")
    ]
    patterns = [(word, pattern.replace(r"\ ", r"[^\w?]+")) for word, pattern in plain]
    expected = next((word for word, pattern in patterns if re.search(pattern, text.lower())), None)
    assert found(text) == expected
