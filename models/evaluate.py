"""A model folder's figures on TweetEval's official test set: `python -m models.evaluate --help`."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from models.manifest import Metrics, ModelError
from models.recall import measure
from models.sentiment_model import SentimentModel
from models.tweeteval import DataError, LabelledTexts, read_split

TEXTS_PER_CALL = 512


class Evaluation(NamedTuple):
    """Figures on a split, and the speed at which its texts were scored."""

    metrics: Metrics
    texts_per_second: float


def evaluate(model: SentimentModel, split: LabelledTexts, clock: Callable[[], float]) -> Evaluation:
    """Score every text, 512 a call; `clock` gives seconds."""
    began = clock()
    guesses: list[int] = []
    for start in range(0, len(split.texts), TEXTS_PER_CALL):
        scores = model.score(split.texts[start : start + TEXTS_PER_CALL])
        guesses += [score.index(max(score)) for score in scores]
    return Evaluation(measure(guesses, split.labels), len(guesses) / (clock() - began))


def table(version: str, evaluation: Evaluation) -> str:
    """The evaluation as lines of text, shares in per cent."""
    metrics = evaluation.metrics
    shares = {"macro-recall": metrics.macro_recall, "accuracy": metrics.accuracy}
    shares |= {f"recall {label}": share for label, share in metrics.recall.items()}
    lines = [f"{version} on {metrics.rows:,} test texts"]
    lines += [f"  {name:<16} {share * 100:6.2f}" for name, share in shares.items()]
    return "\n".join([*lines, f"  {'texts/s':<16} {evaluation.texts_per_second:6.0f}"])


def main() -> int:
    """Print the table; exit code 2 when the model or the data cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/sentiment"), help="the model folder")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds tweeteval/sentiment/")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute one batch")
    options = parser.parse_args()
    try:
        model = SentimentModel.load(options.model, threads=options.threads)
        evaluation = evaluate(model, read_split(options.data, "test"), time.perf_counter)
    except (ModelError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    print(table(model.version, evaluation))
    return 0


if __name__ == "__main__":
    sys.exit(main())
