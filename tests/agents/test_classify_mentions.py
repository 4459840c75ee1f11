"""What the classify stage makes of batches, with the shipped model, without Kafka."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from agents.classify_mentions import MODES, ClassifyMentions
from agents.registry import typing_rules
from domain.second_stage import LagLimits
from models.mention_model import MentionModel
from models.score_queue import ScoreQueue
from models.second_stage import SecondStage
from schemas.codecs import decode, encode
from schemas.ids import conversation_key
from schemas.records import Classification, ClassifiedMention, DeadLetter
from streams.metrics import CATALOGUE
from streams.record_batches import RecordBatch
from streams.topics import DEAD_LETTERS, MENTIONS_CLASSIFIED, MENTIONS_RAW
from tests.domain.posts import mention, policy

SHIPPED = Path(__file__).parents[2] / "models" / "mentions"
COMPLAINT = "@Delta my bag never arrived and nobody answers my emails"
KEY = conversation_key("Delta", "x", "thread 1").encode()
ABOVE_ALL = 1.01

BAD_TEXTS = {
    "empty": "",
    "white space": " \n\t ",
    "100 kB": "help me " * 12_500,
    "one word of 100 kB": "a" * 100_000,
    "control characters": "a\x00b\x1b[31mred\x07 \x7f",
    "emoji only": "😡😡😡👩‍👧",
    "right to left": "الخدمة سيئة جدا ولن أعود \u202e abc",
    "mixed scripts": "Мой заказ 注文 is ਦੇਰ ل delayed ещё раз",
    "HTML": "<p>My order is <b>late</b>&nbsp;&amp; broken</p><script>alert('x')</script>",
    "invisible characters": "\u200b\u200d\ufeff",
    "marks upon marks": "e" + "\u0301" * 5_000,
}


class Received(NamedTuple):
    offset: int
    value: bytes | None
    key: bytes | None = KEY
    topic: str = MENTIONS_RAW.name
    partition: int = 1
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 0


class Decided(NamedTuple):
    classified: list[ClassifiedMention]
    dead: list[DeadLetter]


@pytest.fixture(scope="module")
def model() -> MentionModel:
    return MentionModel.load(SHIPPED)


@pytest.fixture
async def queue(model: MentionModel) -> AsyncIterator[ScoreQueue]:
    queue = ScoreQueue(model, second=SecondStage(model, ABOVE_ALL))
    yield queue
    queue.close()


@pytest.fixture
def stage(model: MentionModel, queue: ScoreQueue) -> ClassifyMentions:
    return ClassifyMentions(typing_rules(policy(), model.manifest), queue)


@pytest.fixture
def two_stages(model: MentionModel, queue: ScoreQueue) -> ClassifyMentions:
    rules = typing_rules(policy(), model.manifest, SecondStage(model, ABOVE_ALL))
    return ClassifyMentions(rules, queue, LagLimits(high=100, low=10))


async def decide(stage: ClassifyMentions, values: Sequence[bytes | None], lag: int = 0) -> Decided:
    batch = RecordBatch(MENTIONS_RAW.name, 1, [Received(number, value) for number, value in enumerate(values)])
    batch.lag = lag
    (outbox,) = await stage.decide(batch)
    classified = [decode(record.value) for record in outbox.to(MENTIONS_CLASSIFIED.name, 1)]
    dead = [decode(record.value) for record in outbox.to(DEAD_LETTERS.name, 1)]
    return Decided(
        [found for found in classified if isinstance(found, ClassifiedMention)],
        [found for found in dead if isinstance(found, DeadLetter)],
    )


def raw(text: str) -> bytes:
    return encode(mention(text=text))


def raw_with(**fields: object) -> bytes:
    return json.dumps(json.loads(raw("Hello")) | fields).encode()


def modes(decided: Decided) -> set[str]:
    return {found.classification.mode for found in decided.classified}


def shown_mode() -> list[str]:
    shown = {mode: CATALOGUE.get_sample_value("tenfour_classifier_mode", {"mode": mode}) for mode in MODES}
    return [mode for mode, value in shown.items() if value == 1]


def read_again() -> float:
    return CATALOGUE.get_sample_value("tenfour_texts_read_again_total") or 0.0


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_a_bad_text_is_classified_or_reviewed_and_its_neighbours_as_without_it(
    stage: ClassifyMentions, text: str
) -> None:
    first, odd, last = (await decide(stage, [raw(COMPLAINT), raw(text), raw(COMPLAINT)])).classified
    assert odd.mention.text == text
    (alone,) = (await decide(stage, [raw(COMPLAINT)])).classified
    assert first.classification == last.classification == alone.classification


@pytest.mark.parametrize("name", ["empty", "white space"])
async def test_a_text_with_nothing_to_read_goes_to_review_with_its_reason(stage: ClassifyMentions, name: str) -> None:
    (found,) = (await decide(stage, [raw(BAD_TEXTS[name])])).classified
    assert found.classification.needs_review
    assert found.classification.review_reason == "nothing readable in the text"


async def test_a_text_in_another_language_goes_to_review(stage: ClassifyMentions) -> None:
    (found,) = (await decide(stage, [raw(BAD_TEXTS["right to left"])])).classified
    assert (found.classification.language, found.classification.needs_review) == ("ar", True)


async def test_html_is_read_through(stage: ClassifyMentions) -> None:
    (found,) = (await decide(stage, [raw(BAD_TEXTS["HTML"])])).classified
    assert found.classification.type == "customer_complaint"


UNUSABLE = {
    "lone surrogates": raw("Hello").replace(b"Hello", rb"broken \ud83d text"),
    "bytes that are no UTF-8": raw("Hello").replace(b"Hello", b"broken \xff text"),
    "no text at all": raw_with(text=None),
    "a number for a text": raw_with(text=7),
    "more than 100,000 characters": raw_with(text="a" * 100_001),
    "no value": None,
}


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_one_unusable_record_becomes_a_dead_letter_with_its_reason_and_the_others_are_classified(
    stage: ClassifyMentions, value: bytes | None
) -> None:
    decided = await decide(stage, [raw(COMPLAINT), value, raw("Thank you so much!")])
    assert [found.classification.type for found in decided.classified] == ["customer_complaint", "positive_feedback"]
    (letter,) = decided.dead
    assert (letter.offset, letter.value, letter.error) == (1, value, "UndecodableRecord")
    assert letter.message


async def test_without_a_second_model_there_is_one_stage_whatever_the_lag(
    stage: ClassifyMentions, model: MentionModel
) -> None:
    decided = await decide(stage, [raw(COMPLAINT)], lag=10**6)
    assert modes(decided) == {"one_stage"} == set(shown_mode())
    assert decided.classified[0].classification.model == model.version


async def test_a_text_that_was_read_again_names_both_models(two_stages: ClassifyMentions, model: MentionModel) -> None:
    before = read_again()
    decided = await decide(two_stages, [raw(COMPLAINT), raw("")])
    assert modes(decided) == {"two_stage"}
    assert [found.classification.model for found in decided.classified] == [
        f"{model.version} > {model.version}",
        model.version,
    ]
    assert read_again() == before + 1


async def test_a_lag_skips_the_second_stage_until_it_is_small_again(
    two_stages: ClassifyMentions, model: MentionModel
) -> None:
    seen = []
    for lag in (100, 101, 50, 10, 9, 50):
        decided = await decide(two_stages, [raw(COMPLAINT)], lag)
        seen.append((decided.classified[0].classification.mode, " > " in decided.classified[0].classification.model))
        assert set(shown_mode()) == modes(decided)
    assert seen == [("two_stage", True), *[("second_skipped", False)] * 3, *[("two_stage", True)] * 2]


def test_what_was_classified_before_there_were_modes_was_classified_in_one_stage() -> None:
    example = json.loads(Path("schemas/examples/classified_mention/recovery_praise.json").read_text())
    assert "mode" not in example["classification"]
    old = decode(json.dumps(example).encode())
    assert isinstance(old, ClassifiedMention)
    assert isinstance(old.classification, Classification)
    assert old.classification.mode == "one_stage"
