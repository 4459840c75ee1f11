"""The classifier's figures: `python -m bench.classifier --data DIR`, written to RESULTS.md.

DIR is the folder of the data sets, which are not part of this repository.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench.__main__ import BENCHMARKS, CLASSIFIER
from bench.delays import percentile
from bench.machine import machine, pace
from bench.report import Table, as_markdown, write_results
from models.brand_mentions import read_brand_mentions
from models.class_metrics import measure
from models.evaluate import Evaluation, accepted_share, evaluate_sentiment, evaluate_types
from models.held_out import HeldOut, read_held_out
from models.manifest import MODEL_FILE, Metrics
from models.mention_model import MentionModel
from models.own_labels import LABELS_FILE, LabelledMention, Split, read_labels, split_labelled
from models.text import HEADS, prepare
from models.tweeteval import LabelledTexts, read_split

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
MODEL: Final = Path("models/mentions")
THREADS: Final = 2
ROUNDS: Final = 5
AT_ONCE: Final = 64
SINGLE_TEXTS: Final = 500

Guess = Callable[[Sequence[str]], list[int]]


class Row(NamedTuple):
    """One contender on one test split."""

    name: str
    metrics: Metrics
    per_second: float
    calibration: float | None = None


def bench_sentiment(data: Path, model: MentionModel) -> Table:
    train, test = read_split(data, "train"), read_split(data, "test")
    rows = [
        _guessed("VADER", _vader(), test, "sentiment"),
        _guessed("TF-IDF of words and characters, logistic regression", _linear(train), test, "sentiment"),
        _evaluated("this model, int8", evaluate_sentiment(model, test, time.perf_counter)),
    ]
    return Table(
        "classifier-sentiment",
        "python -m bench.classifier --data DIR",
        [
            f"TweetEval sentiment, official test set of {len(test.texts):,} tweets; macro-recall is its measure. "
            f"{THREADS} threads, speed with preparation and tokens, one run.",
            "Published on the same texts: BERTweet 73.4, RoBERTa-base 71.3 macro-recall.",
            "Aimed at: macro-recall 72.0 %, calibration error 0.05.",
        ],
        ("", "macro-recall", "accuracy", "calibration error", "texts/s"),
        [
            [row.name, f"{row.metrics.macro_recall:.1%}", f"{row.metrics.accuracy:.1%}", _error(row), _rate(row)]
            for row in rows
        ],
    )


def bench_types(mentions: dict[Split, list[LabelledMention]], model: MentionModel) -> Table:
    train, test = (_texts(mentions[split]) for split in ("train", "test"))  # type: ignore[index]
    rows = [
        _guessed("TF-IDF of words and characters, logistic regression", _linear(train), test, "type"),
        _evaluated("this model, int8", evaluate_types(model, mentions["test"], time.perf_counter)),
    ]
    return Table(
        "classifier-types",
        "python -m bench.classifier --data DIR",
        [
            f"Mention types by our own labels: {len(test.texts):,} mentions of brands and by authors that training "
            f"never saw, {len(train.texts):,} to learn from.",
            f"A type that a reasonable colleague would accept: {accepted_share(model, mentions['test']):.1%} of them.",
            "Aimed at: macro-F1 78 %, complaint recall 92 %, spam precision 90 %, calibration error 0.05.",
        ],
        ("", "macro-F1", "accuracy", "complaint recall", "spam precision", "calibration error"),
        [
            [
                row.name,
                f"{row.metrics.macro_f1:.1%}",
                f"{row.metrics.accuracy:.1%}",
                f"{row.metrics.classes['customer_complaint'].recall:.1%}",
                f"{row.metrics.classes['spam'].precision:.1%}",
                _error(row),
            ]
            for row in rows
        ],
    )


def bench_speed(texts: list[str], model: MentionModel) -> Table:
    """Medians of five rounds over the same texts."""
    batches = [texts[start : start + AT_ONCE] for start in range(0, len(texts) - AT_ONCE + 1, AT_ONCE)]
    rates = [_batch_rate(model, batches) for _ in range(ROUNDS)]
    singles = sorted(_single_ms(model, text) for text in texts[:SINGLE_TEXTS])
    tokens = model.mean_tokens(texts)
    return Table(
        "classifier-speed",
        "python -m bench.classifier --data DIR",
        [
            f"{len(batches)} batches of {AT_ONCE} different mentions of brands, {tokens:.0f} tokens a text; "
            f"{THREADS} threads, preparation, tokens and language included; median of {ROUNDS} rounds.",
            f"Alone: {SINGLE_TEXTS} mentions, one a call.",
            "Aimed at: 1,000 texts/s; alone p50 5 ms; 30 MB.",
        ],
        ("texts/s in batches", "all rounds", "alone p50 ms", "alone p99 ms", "model file MB"),
        [
            [
                f"{median(rates):,.0f}",
                ", ".join(f"{rate:,.0f}" for rate in rates),
                f"{percentile(singles, 50):.1f}",
                f"{percentile(singles, 99):.1f}",
                f"{(MODEL / MODEL_FILE).stat().st_size / 1e6:.0f}",
            ]
        ],
    )


def _vader() -> Guess:
    """Its own thresholds: a compound score of 0.05 and above is positive, of -0.05 and below negative."""
    analyser = SentimentIntensityAnalyzer()

    def guess(texts: Sequence[str]) -> list[int]:
        scores = [analyser.polarity_scores(text)["compound"] for text in texts]
        return [2 if score >= 0.05 else 0 if score <= -0.05 else 1 for score in scores]

    return guess


def _linear(train: LabelledTexts) -> Guess:
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, max_features=200_000),
    )
    fitted = make_pipeline(features, LogisticRegression(C=4.0, max_iter=300, class_weight="balanced"))
    fitted.fit(train.texts, train.labels)
    return lambda texts: [int(label) for label in fitted.predict(texts)]


def _guessed(name: str, guess: Guess, test: LabelledTexts, head: str) -> Row:
    began = time.perf_counter()
    guesses = guess(test.texts)
    seconds = time.perf_counter() - began
    return Row(name, measure(guesses, test.labels, HEADS[head]), len(guesses) / seconds)


def _evaluated(name: str, found: Evaluation) -> Row:
    return Row(name, found.metrics, found.texts_per_second, found.calibration_error)


def _batch_rate(model: MentionModel, batches: Sequence[list[str]]) -> float:
    began = time.perf_counter()
    for batch in batches:
        model.read(batch)
    return sum(map(len, batches)) / (time.perf_counter() - began)


def _single_ms(model: MentionModel, text: str) -> float:
    began = time.perf_counter()
    model.read([text])
    return (time.perf_counter() - began) * 1000


def _texts(mentions: Sequence[LabelledMention]) -> LabelledTexts:
    return LabelledTexts([prepare(one.mention.text) for one in mentions], [one.label.type for one in mentions])


def _error(row: Row) -> str:
    return "" if row.calibration is None else f"{row.calibration:.3f}"


def _rate(row: Row) -> str:
    return f"{row.per_second:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.classifier", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    data = parser.parse_args().data
    model = MentionModel.load(MODEL, threads=THREADS)
    keys = data.parent / "held_out.txt"
    held_out = read_held_out(keys, data) if keys.is_file() else HeldOut(frozenset(), frozenset())
    posts = read_brand_mentions(data, held_out)
    tables = [
        bench_speed([post.text for post in posts[:: len(posts) // 2048]][:2048], model),
        bench_types(split_labelled(posts, read_labels(LABELS_FILE)), model),
        bench_sentiment(data, model),
    ]
    sections = {table.name: as_markdown(replace(table, notes=[*table.notes, pace()])) for table in tables}
    print("\n".join(sections.values()))
    write_results(RESULTS, machine(), sections, [*BENCHMARKS, *CLASSIFIER])


if __name__ == "__main__":
    main()
