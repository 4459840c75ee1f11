"""Our own labels: what they are, and which may be learnt from."""

import csv
from pathlib import Path

import pytest

from models.brand_mentions import BrandMention, read_brand_mentions, short_brand
from models.held_out import read_held_out, read_keys
from models.own_labels import LABELS_FILE, SECOND_PASS_FILE, Label, kappa, read_labels, split_labelled
from models.text import TYPES

FOLDER = LABELS_FILE.parent
SHARED = Path(__file__).parents[2].parent / "shared"


def test_there_are_enough_of_every_type() -> None:
    labels = read_labels(LABELS_FILE)
    assert len(labels) >= 2_000
    by_type = [sum(label.type == number for label in labels.values()) for number in range(len(TYPES))]
    assert min(by_type) >= 300


def test_labels_hold_keys_and_no_texts() -> None:
    with LABELS_FILE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0].keys() == {"key", "type", "also", "drawn"}
    assert all(len(row["key"]) == 16 and int(row["key"], 16) >= 0 for row in rows)


@pytest.mark.skipif(not (SHARED / "held_out.txt").is_file(), reason="the list of held-out texts is not at hand")
def test_no_held_out_text_is_labelled() -> None:
    assert not read_labels(LABELS_FILE).keys() & read_keys(SHARED / "held_out.txt")


def test_two_readers_agree() -> None:
    first, second = read_labels(FOLDER / "first_pass.csv"), read_labels(SECOND_PASS_FILE)
    assert first.keys() == second.keys()
    assert len(first) >= 400
    ours = [first[key].type for key in sorted(first)]
    theirs = [second[key].type for key in sorted(first)]
    assert kappa(ours, theirs) >= 0.8
    assert all(kappa(ours, theirs, number) >= 0.7 for number in range(len(TYPES)))


def test_where_they_differ_the_earlier_type_stands_and_the_other_is_accepted() -> None:
    first, second, settled = (read_labels(FOLDER / f"{name}.csv") for name in ("first_pass", "second_pass", "labels"))
    for key in first:
        if first[key].type != second[key].type:
            assert settled[key].accepted == {first[key].type, second[key].type}
            assert settled[key].type == min(settled[key].accepted)


def test_kappa_takes_away_what_chance_gives() -> None:
    assert kappa([0, 0, 1, 1], [0, 0, 1, 1]) == 1.0
    assert kappa([0, 0, 1, 1], [0, 1, 0, 1]) == 0.0
    assert kappa([0, 1, 2, 2], [0, 1, 2, 1], type_=2) == 0.5


def posts(*pairs: tuple[str, str]) -> list[BrandMention]:
    return [BrandMention("set", brand, author, f"text {number}") for number, (brand, author) in enumerate(pairs)]


def test_no_brand_and_no_author_of_the_test_split_is_trained_on() -> None:
    mentions = posts(*[(f"brand {number % 40}", f"author {number % 90}") for number in range(900)])
    splits = split_labelled(mentions, {post.key: Label(0) for post in mentions})
    assert all(splits.values())
    for name in ("train", "val"):
        assert not {f.mention.brand for f in splits["test"]} & {f.mention.brand for f in splits[name]}  # type: ignore[index]
        assert not {f.mention.author for f in splits["test"]} & {f.mention.author for f in splits[name]}  # type: ignore[index]


@pytest.mark.parametrize("name", ["AmazonHelp", "amazon", "Ask_Amazon", "AmazonSupport"])
def test_a_brand_is_one_whatever_its_handle_is_called(name: str) -> None:
    assert short_brand(name) == "amazon"


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the data sets are not at hand")
def test_every_label_finds_its_text_and_no_text_is_a_near_copy_of_a_held_out_one() -> None:
    held_out = read_held_out(SHARED / "held_out.txt", SHARED / "data")
    mentions = read_brand_mentions(SHARED / "data", held_out)
    found = {post.key for post in mentions}
    labels = read_labels(LABELS_FILE)
    assert len(labels.keys() - found) / len(labels) < 0.001
    assert not [post for post in mentions if held_out.holds(post.text)]
