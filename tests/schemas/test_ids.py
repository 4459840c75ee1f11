from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.ids import conversation_key, conversation_parts, derive_id, mention_id, public_reply_id
from schemas.records import MAX_KEY_CHARACTERS, MAX_NAME_CHARACTERS

causes = st.lists(st.text(st.characters(), max_size=5), max_size=4)


@given(st.text(), st.text(), st.text())
def test_a_conversation_key_gives_its_parts_back(brand: str, channel: str, thread: str) -> None:
    assert conversation_parts(conversation_key(brand, channel, thread)) == (brand, channel, thread)


@given(st.text(), st.text(), st.text())
def test_a_conversation_key_is_plain_ascii(brand: str, channel: str, thread: str) -> None:
    key = conversation_key(brand, channel, thread)
    assert key.isascii()
    assert key.isprintable()


def test_the_longest_names_make_a_key_that_records_take() -> None:
    longest = "\U0001f600" * MAX_NAME_CHARACTERS
    assert len(conversation_key(longest, longest, longest)) == MAX_KEY_CHARACTERS


@given(causes, causes)
def test_different_causes_have_different_ids(one: list[str], other: list[str]) -> None:
    assume(one != other)
    assert derive_id(*one) != derive_id(*other)


@given(st.text(max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_moving_a_boundary_between_parts_changes_the_id(text: str, first: int, second: int) -> None:
    assume(min(first, len(text)) != min(second, len(text)))
    assert derive_id(text[:first], text[first:]) != derive_id(text[:second], text[second:])


def test_a_part_that_imitates_the_length_prefix_collides_with_nothing() -> None:
    assert derive_id("a", "b") != derive_id("a1:b")
    assert derive_id("1:a") != derive_id("a")


def test_an_id_is_128_bits_in_hex_and_never_changes() -> None:
    assert derive_id("mention", "Acme", "forum", "8") == mention_id("Acme", "forum", "8")
    assert mention_id("Acme", "forum", "8") == "46b6e2b982f739ac8905aa85f69a2988"


def test_a_mention_and_a_reply_of_one_post_have_different_ids() -> None:
    assert mention_id("Acme", "forum", "8") != public_reply_id("Acme", "forum", "8")
