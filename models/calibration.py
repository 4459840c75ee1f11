"""Makes probabilities mean what they say, and tells how many doubtful mentions must be looked at for how few errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.manifest import ReviewPoint

TEMPERATURES = np.arange(0.3, 3.0, 0.01)
CURVE_POINTS = 40
ABOVE_ALL = 1.01
"""A threshold that no confidence reaches."""


def fit_temperature(logits: NDArray[np.float32], actual: Sequence[int]) -> float:
    """What logits are divided by so that the true classes are likeliest (Guo et al. 2017), on a grid of 0.01."""
    losses = [-float(log_softmax(logits / t)[np.arange(len(actual)), actual].mean()) for t in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 2)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def review_curve(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[ReviewPoint, ...]:
    """Share of mentions that people would see, and errors among the rest, by rising threshold of confidence."""
    ordered = sorted(zip(confidences, correct, strict=True))
    points = [ReviewPoint(threshold=0.0, share=0.0, error=_error(ordered))]
    for number in range(1, CURVE_POINTS):
        seen = len(ordered) * number // CURVE_POINTS
        rest = ordered[seen:]
        points.append(
            ReviewPoint(threshold=round(rest[0][0], 4), share=round(seen / len(ordered), 4), error=_error(rest))
        )
    return (*points, ReviewPoint(threshold=ABOVE_ALL, share=1.0, error=0.0))


def _error(rows: Sequence[tuple[float, bool]]) -> float:
    return round(sum(not right for _, right in rows) / max(len(rows), 1), 4)
