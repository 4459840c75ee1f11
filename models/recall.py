"""TweetEval's figures for sentiment: macro-averaged recall (the official metric), accuracy, recall by class."""

from collections.abc import Sequence

from models.manifest import Metrics
from models.text import LABELS


def measure(predicted: Sequence[int], actual: Sequence[int]) -> Metrics:
    """Compare label numbers (indices into `LABELS`); a class without a row counts as recall 0.

    Raises ValueError when the lengths differ.
    """
    pairs = list(zip(predicted, actual, strict=True))
    recall = {name: _recall(pairs, number) for number, name in enumerate(LABELS)}
    return Metrics(
        rows=len(pairs),
        macro_recall=round(sum(recall.values()) / len(recall), 4),
        accuracy=round(sum(guess == truth for guess, truth in pairs) / max(len(pairs), 1), 4),
        recall={name: round(share, 4) for name, share in recall.items()},
    )


def _recall(pairs: list[tuple[int, int]], label: int) -> float:
    guesses = [guess for guess, truth in pairs if truth == label]
    return sum(guess == label for guess in guesses) / max(len(guesses), 1)
