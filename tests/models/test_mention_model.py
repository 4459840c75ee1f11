import random
from pathlib import Path

import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.manifest import sha256
from models.mention_model import MAX_BATCH, MAX_PADDING, NOTHING_TO_READ, MentionModel, Reading, open_session, runs
from models.text import LABELS, TYPES

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
    "mixed scripts": "Мой заказ 注文 is ਦੇਰ ل delayed ещё раз",
    "control characters": "a\x00b\x1b[31mred\x07",
    "HTML": "<p>My order is <b>late</b>&nbsp;&amp; broken</p><script>alert('x')</script>",
    "marks upon marks": "e" + "\u0301" * 500,
    "no letters": "?!... --- 123",
    "only a handle": "@someone",
    "invisible characters": "\u200b\u200d\ufeff",
}


CLEAR_TYPES = [
    ("@AcmeCare my order never arrived and nobody answers my emails", "customer_complaint"),
    ("@AcmeCare the app keeps crashing since the update, please fix it", "customer_complaint"),
    ("@AcmeCare how do I change the language of the app?", "product_question"),
    ("@AcmeCare does the new model work with the old charger?", "product_question"),
    ("@AcmeCare how much is the family plan, and is there a student discount?", "sales_inquiry"),
    ("@AcmeCare I'd like to buy two of these, do you ship to Canada?", "sales_inquiry"),
    ("Thank you @AcmeCare, your team was brilliant today, love you guys!", "positive_feedback"),
    ("@AcmeCare sent", "general_conversation"),
    ("WIN a FREE phone! Follow us and RT to enter our giveaway #free #win http://t.co/abc", "spam"),
]


def likeliest(reading: Reading) -> str:
    return LABELS[reading.sentiment.index(max(reading.sentiment))]


def likeliest_type(reading: Reading) -> str:
    return TYPES[reading.type.index(max(reading.type))]


def sentences(count: int) -> list[str]:
    """Distinct texts of 1 to 40 words."""
    words = random.Random(7)
    vocabulary = ["the", "train", "is", "late", "again", "lost", "thanks", "for", "great", "help", "never", "sad"]
    return [f"{number} " + " ".join(words.choices(vocabulary, k=words.randint(1, 40))) for number in range(count)]


@pytest.mark.parametrize(("text", "label"), CLEAR)
def test_an_obvious_text_gets_its_label(model: MentionModel, text: str, label: str) -> None:
    assert likeliest(model.read([text])[0]) == label


@pytest.mark.parametrize(("text", "type_"), CLEAR_TYPES)
def test_an_obvious_mention_gets_its_type(model: MentionModel, text: str, type_: str) -> None:
    assert likeliest_type(model.read([text])[0]) == type_


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_text_still_gets_probabilities(model: MentionModel, text: str) -> None:
    (reading,) = model.read([text])
    for shares in (reading.sentiment, reading.type):
        assert sum(shares) == pytest.approx(1.0, abs=1e-5)
        assert all(0.0 <= share <= 1.0 for share in shares)


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x07", "\ud800"])
def test_text_with_nothing_readable_is_neutral_talk_and_says_so(model: MentionModel, text: str) -> None:
    assert model.read([text]) == [NOTHING_TO_READ]
    assert not NOTHING_TO_READ.readable


def test_no_texts_give_no_readings(model: MentionModel) -> None:
    assert model.read([]) == []


def test_readings_come_in_the_order_of_the_texts(model: MentionModel) -> None:
    texts = [text for text, _ in CLEAR] * 20
    random.Random(3).shuffle(texts)
    expected = dict(CLEAR)
    assert [likeliest(reading) for reading in model.read(texts)] == [expected[text] for text in texts]


def test_a_reading_does_not_depend_on_the_batch(model: MentionModel) -> None:
    texts = [*sentences(150), "", *(text for text, _ in CLEAR), *ODD.values()]
    together = model.read(texts)
    alone = [model.read([text])[0] for text in texts]
    for batched, single in zip(together, alone, strict=True):
        assert batched.sentiment == pytest.approx(single.sentiment, abs=1e-4)
        assert batched.type == pytest.approx(single.type, abs=1e-4)


def test_texts_that_read_the_same_get_the_same_reading(model: MentionModel) -> None:
    first, other, second = model.read(["@anna your app is down", "great app", "@bob  your app is down"])
    assert first == second != other


def test_more_texts_than_one_batch_holds_are_all_read(model: MentionModel) -> None:
    assert len(model.read(sentences(200))) == 200


def test_a_long_text_is_judged_by_its_beginning(model: MentionModel) -> None:
    opening = "Worst service ever, I am furious. " * 20
    assert model.read([opening]) == model.read([opening + "lovely " * 5_000])


def test_the_version_names_the_model_file(model: MentionModel, shipped: Path) -> None:
    assert model.version == f"mentions-minilm-int8@{sha256(shipped / 'model.onnx')[:12]}"


@given(st.lists(st.integers(2, 96), max_size=100).map(sorted))
def test_runs_hold_every_text_once_and_little_padding(lengths: list[int]) -> None:
    found = [lengths[run] for run in runs(lengths)]
    assert [length for run in found for length in run] == lengths
    for run in found:
        assert 0 < len(run) <= MAX_BATCH
        assert sum(run[-1] - length for length in run) <= MAX_PADDING


def test_texts_of_one_length_share_their_runs() -> None:
    assert [run.stop - run.start for run in runs([7] * 40)] == [16, 16, 8]


def test_the_session_takes_products_and_scales_together_and_computes_the_same(
    model: MentionModel, shipped: Path
) -> None:
    plain = onnxruntime.InferenceSession(str(shipped / "model.onnx"), providers=["CPUExecutionProvider"])
    ids = [[101, 2023, 2003, 1037, 3231, 102]]
    inputs = {"input_ids": ids, "attention_mask": [[1] * 6]}
    opened = open_session(shipped / "model.onnx", threads=1)
    for first, second in zip(opened.run(None, inputs), plain.run(None, inputs), strict=True):
        assert first == pytest.approx(second, abs=1e-5)
