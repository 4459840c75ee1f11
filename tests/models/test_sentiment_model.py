import random
from pathlib import Path

import pytest

from models.manifest import sha256
from models.sentiment_model import NOTHING_TO_JUDGE, SentimentModel, SentimentScores
from models.text import LABELS

CLEAR = [
    ("I love this phone, best purchase I have made in years!", "positive"),
    ("Thank you so much, your support team was fantastic today", "positive"),
    ("What a wonderful flight, the crew were amazing :)", "positive"),
    ("Worst service ever. Two hours on hold and nobody helped me.", "negative"),
    ("My order arrived broken and you refuse to refund me, this is disgusting", "negative"),
    ("I hate this update, it ruined my phone", "negative"),
    ("What time does the store on Main Street open on Monday?", "neutral"),
    ("The new schedule is published on the website", "neutral"),
    ("Flight 482 departs from gate 12 at 9:40", "neutral"),
]

ODD = {
    "emoji only": "😡😡😡👩‍👧",
    "100 kB": "help " * 20_000,
    "one word of 100 kB": "a" * 100_000,
    "lone surrogates": "broken \ud83d text \udc00",
    "right to left": "الخدمة سيئة جدا ولن أعود \u202e abc",
    "control characters": "a\x00b\x1b[31mred\x07",
    "marks upon marks": "e" + "\u0301" * 500,
    "no letters": "?!... --- 123",
    "only a handle": "@someone",
    "invisible characters": "\u200b\u200d\ufeff",
}


def likeliest(scores: SentimentScores) -> str:
    return LABELS[scores.index(max(scores))]


def sentences(count: int) -> list[str]:
    """Distinct texts of 1 to 40 words."""
    words = random.Random(7)
    vocabulary = ["the", "train", "is", "late", "again", "lost", "thanks", "for", "great", "help", "never", "sad"]
    return [f"{number} " + " ".join(words.choices(vocabulary, k=words.randint(1, 40))) for number in range(count)]


@pytest.mark.parametrize(("text", "label"), CLEAR)
def test_an_obvious_text_gets_its_label(model: SentimentModel, text: str, label: str) -> None:
    assert likeliest(model.score([text])[0]) == label


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_text_still_gets_probabilities(model: SentimentModel, text: str) -> None:
    (scores,) = model.score([text])
    assert sum(scores) == pytest.approx(1.0, abs=1e-5)
    assert all(0.0 <= share <= 1.0 for share in scores)


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x07", "\ud800"])
def test_text_with_nothing_readable_is_neutral(model: SentimentModel, text: str) -> None:
    assert model.score([text]) == [NOTHING_TO_JUDGE]


def test_no_texts_give_no_scores(model: SentimentModel) -> None:
    assert model.score([]) == []


def test_scores_come_in_the_order_of_the_texts(model: SentimentModel) -> None:
    texts = [text for text, _ in CLEAR] * 20
    random.Random(3).shuffle(texts)
    expected = dict(CLEAR)
    assert [likeliest(scores) for scores in model.score(texts)] == [expected[text] for text in texts]


def test_a_score_does_not_depend_on_the_batch(model: SentimentModel) -> None:
    texts = [*sentences(150), "", *(text for text, _ in CLEAR), *ODD.values()]
    together = model.score(texts)
    alone = [model.score([text])[0] for text in texts]
    for batched, single in zip(together, alone, strict=True):
        assert batched == pytest.approx(single, abs=1e-4)


def test_texts_that_read_the_same_get_the_same_score(model: SentimentModel) -> None:
    first, other, second = model.score(["@anna your app is down", "great app", "@bob  your app is down"])
    assert first == second != other


def test_more_texts_than_one_batch_holds_are_all_scored(model: SentimentModel) -> None:
    assert len(model.score(sentences(200))) == 200


def test_a_long_text_is_judged_by_its_beginning(model: SentimentModel) -> None:
    opening = "Worst service ever, I am furious. " * 20
    assert model.score([opening]) == model.score([opening + "lovely " * 5_000])


def test_the_version_names_the_model_file(model: SentimentModel, shipped: Path) -> None:
    assert model.version == f"sentiment-minilm-int8@{sha256(shipped / 'model.onnx')[:12]}"
