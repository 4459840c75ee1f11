import numpy as np
import pytest

from models.calibration import fit_temperature, review_curve


def test_logits_that_are_too_sure_get_a_temperature_above_one() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(4000, 3)).astype(np.float32)
    powers = np.exp(logits)
    actual = [int(random.choice(3, p=row / row.sum())) for row in powers]
    assert fit_temperature(logits, actual) == pytest.approx(1.0, abs=0.1)
    assert fit_temperature(logits * 2, actual) == pytest.approx(2.0, abs=0.2)


def test_the_curve_begins_with_no_review_and_ends_with_all() -> None:
    curve = review_curve([number / 100 for number in range(100)], [number >= 40 for number in range(100)])
    assert (curve[0].share, curve[0].error) == (0.0, 0.4)
    assert (curve[-1].share, curve[-1].error) == (1.0, 0.0)
    assert curve[-1].threshold > 1


def test_a_point_says_what_is_wrong_among_the_others() -> None:
    curve = review_curve([number / 100 for number in range(100)], [number >= 40 for number in range(100)])
    (point,) = [one for one in curve if one.share == 0.2]
    assert (point.threshold, point.error) == (0.2, 0.25)
