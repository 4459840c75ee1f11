"""Which texts say nearly the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.near_copies import likeness, near_copies, sketch_of

DOWN = [
    "@user the app is down",
    "the app is down again!!",
    "my parcel is late",
    "The app is DOWN http",
    "where is my parcel",
]
sketches = st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=4), max_size=12)


def test_case_punctuation_handles_and_links_make_no_difference() -> None:
    assert sketch_of("@user The app, is DOWN! http") == sketch_of("the app is down")


def test_likeness_is_the_share_of_pairs_of_words_in_common() -> None:
    assert likeness(sketch_of("the app is down"), sketch_of("the app is down again")) == 3 / 4
    assert likeness(sketch_of("the app is down"), sketch_of("down is app the")) == 0
    assert likeness(sketch_of("hello"), sketch_of("Hello!")) == 1


def test_nothing_is_like_nothing() -> None:
    assert sketch_of("@user http 👍") == frozenset()
    assert likeness(frozenset(), frozenset()) == 0


def test_texts_gather_around_the_first_of_their_kind() -> None:
    assert near_copies([sketch_of(text) for text in DOWN], 0.5) == [[0, 1, 3], [2], [4]]


def test_what_a_sketch_keeps_does_not_show_the_words() -> None:
    assert all(len(pair) == 12 and set(pair) <= set("0123456789abcdef") for pair in sketch_of(DOWN[0]))


@given(sketches, st.sampled_from([0.1, 0.5, 1.0]))
def test_each_text_is_in_one_group_and_like_its_first(given_sketches: list[frozenset[str]], least: float) -> None:
    groups = near_copies(given_sketches, least)
    members = [number for group in groups for number in group]
    assert sorted(members) == [number for number, sketch in enumerate(given_sketches) if sketch]
    for group in groups:
        first = given_sketches[group[0]]
        assert all(likeness(first, given_sketches[number]) >= least for number in group)
    firsts = [given_sketches[group[0]] for group in groups]
    assert all(likeness(one, other) < least for n, one in enumerate(firsts) for other in firsts[:n])
