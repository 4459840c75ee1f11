"""A model folder's figures on TweetEval's official test set and on our own: `python -m models.evaluate --help`."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from models.brand_mentions import read_brand_mentions
from models.class_metrics import calibration_error, measure
from models.held_out import HeldOut, read_held_out
from models.manifest import Metrics, ModelError
from models.mention_model import MentionModel, Reading
from models.own_labels import LABELS_FILE, LabelledMention, read_labels, split_labelled
from models.text import HEADS, LABELS, TYPES
from models.tweeteval import DataError, LabelledTexts, read_split

TEXTS_PER_CALL = 512


class Evaluation(NamedTuple):
    """Figures of a head on a split, its expected calibration error, and the speed at which texts were read."""

    metrics: Metrics
    calibration_error: float
    texts_per_second: float


def evaluate_sentiment(model: MentionModel, split: LabelledTexts, clock: Callable[[], float]) -> Evaluation:
    """`clock` gives seconds."""
    return _evaluate(model, split.texts, split.labels, "sentiment", clock)


def evaluate_types(model: MentionModel, split: Sequence[LabelledMention], clock: Callable[[], float]) -> Evaluation:
    texts = [found.mention.text for found in split]
    return _evaluate(model, texts, [found.label.type for found in split], "type", clock)


def _evaluate(
    model: MentionModel, texts: Sequence[str], actual: Sequence[int], head: str, clock: Callable[[], float]
) -> Evaluation:
    began = clock()
    readings: list[Reading] = []
    for start in range(0, len(texts), TEXTS_PER_CALL):
        readings += model.read(texts[start : start + TEXTS_PER_CALL])
    seconds = clock() - began
    shares = [getattr(reading, head) for reading in readings]
    guesses = [share.index(max(share)) for share in shares]
    correct = [guess == truth for guess, truth in zip(guesses, actual, strict=True)]
    error = calibration_error([max(share) for share in shares], correct)
    return Evaluation(measure(guesses, actual, HEADS[head]), error, len(texts) / seconds)


def accepted_share(model: MentionModel, split: Sequence[LabelledMention]) -> float:
    """Of the mentions, those whose likeliest type a reasonable colleague would accept."""
    readings = model.read([found.mention.text for found in split])
    hits = [r.type.index(max(r.type)) in found.label.accepted for r, found in zip(readings, split, strict=True)]
    return sum(hits) / len(hits)


def table(title: str, evaluation: Evaluation) -> str:
    """The evaluation as lines of text, shares in per cent."""
    metrics = evaluation.metrics
    lines = [
        f"{title}: {metrics.rows:,} texts, {evaluation.texts_per_second:,.0f} a second",
        f"  macro-recall {metrics.macro_recall:.1%}  macro-F1 {metrics.macro_f1:.1%}  accuracy {metrics.accuracy:.1%}"
        f"  calibration error {evaluation.calibration_error:.3f}",
    ]
    for name, one in metrics.classes.items():
        lines.append(f"  {name:<21} {one.rows:>6,}  P {one.precision:.1%}  R {one.recall:.1%}  F1 {one.f1:.1%}")
    return "\n".join(lines)


def main() -> int:
    """Print the tables; exit code 2 when the model or the data cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/mentions"), help="the model folder")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute one batch")
    options = parser.parse_args()
    keys = options.data.parent / "held_out.txt"
    try:
        model = MentionModel.load(options.model, threads=options.threads)
        held_out = read_held_out(keys, options.data) if keys.is_file() else HeldOut(frozenset(), frozenset())
        mentions = split_labelled(read_brand_mentions(options.data, held_out), read_labels(LABELS_FILE))["test"]
        sentiment = evaluate_sentiment(model, read_split(options.data, "test"), time.perf_counter)
    except (ModelError, DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(table(f"{model.version}, {' / '.join(LABELS)}", sentiment))
    print(table(f"{len(TYPES)} types", evaluate_types(model, mentions, time.perf_counter)))
    print(f"  a type that a reasonable colleague would accept: {accepted_share(model, mentions):.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
