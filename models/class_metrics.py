"""How well a head tells its classes apart, and how far its probabilities can be believed."""

from collections.abc import Sequence

from models.manifest import ClassMetrics, Metrics

BINS = 15
"""Of the expected calibration error (Guo et al. 2017)."""


def measure(predicted: Sequence[int], actual: Sequence[int], names: Sequence[str]) -> Metrics:
    """Compare class numbers (indices into `names`); a class without a row counts as 0.

    Raises ValueError when the lengths differ.
    """
    pairs = list(zip(predicted, actual, strict=True))
    classes = {name: _class_metrics(pairs, number) for number, name in enumerate(names)}
    return Metrics(
        rows=len(pairs),
        macro_recall=_mean([one.recall for one in classes.values()]),
        macro_f1=_mean([one.f1 for one in classes.values()]),
        accuracy=round(sum(guess == truth for guess, truth in pairs) / max(len(pairs), 1), 4),
        classes=classes,
    )


def _class_metrics(pairs: list[tuple[int, int]], number: int) -> ClassMetrics:
    guessed = sum(guess == number for guess, _ in pairs)
    true = sum(truth == number for _, truth in pairs)
    both = sum(guess == truth == number for guess, truth in pairs)
    precision, recall = both / max(guessed, 1), both / max(true, 1)
    f1 = 2 * both / max(guessed + true, 1)
    return ClassMetrics(rows=true, precision=round(precision, 4), recall=round(recall, 4), f1=round(f1, 4))


def _mean(shares: list[float]) -> float:
    return round(sum(shares) / len(shares), 4)


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Expected calibration error: mean distance of confidence and accuracy in 15 equal bins, weighted by their rows."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for confidence, right in zip(confidences, correct, strict=True):
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, right))
    total = max(len(confidences), 1)
    return round(sum(abs(sum(c for c, _ in rows) - sum(r for _, r in rows)) for rows in bins) / total, 4)
