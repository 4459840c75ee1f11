from hypothesis import given
from hypothesis import strategies as st

from models.text import MAX_CHARACTERS, prepare

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


def test_handles_and_links_are_masked_as_in_training() -> None:
    assert prepare("@BrandHelp see https://example.com/a?b=1 and www.example.com") == "@user see http and http"


def test_a_mail_address_is_not_a_handle() -> None:
    assert prepare("write to me@example.com") == "write to me@example.com"


def test_entities_are_unescaped() -> None:
    assert prepare("fish &amp; chips &lt;3") == "fish & chips <3"


def test_text_is_composed() -> None:
    assert prepare("cafe\u0301") == "café"


def test_control_characters_and_lone_surrogates_are_removed() -> None:
    assert prepare("a\x00b\ud800c\x9fd") == "abcd"


def test_line_breaks_and_tabs_become_one_space() -> None:
    assert prepare("  one\r\n\ttwo\x85three ") == "one two three"


def test_joined_emoji_stay_whole() -> None:
    assert prepare("👩‍👧 ok") == "👩‍👧 ok"


def test_long_text_is_cut() -> None:
    assert len(prepare("a" * 100_000)) == MAX_CHARACTERS


def test_text_without_anything_readable_is_empty() -> None:
    assert prepare(" \x00\ud83d\n") == ""


@given(ANY_TEXT)
def test_whatever_comes_in_can_be_encoded_and_is_one_short_line(text: str) -> None:
    prepared = prepare(text)
    prepared.encode("utf-8")
    assert len(prepared) <= MAX_CHARACTERS
    assert prepared == " ".join(prepared.split())
