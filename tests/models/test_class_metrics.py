import pytest

from models.class_metrics import calibration_error, measure

NAMES = ("negative", "neutral", "positive")


def test_recall_and_precision_are_counted_class_by_class() -> None:
    metrics = measure([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], NAMES)
    assert {name: one.recall for name, one in metrics.classes.items()} == {
        "negative": 0.5,
        "neutral": 0.5,
        "positive": 1.0,
    }
    assert {name: one.precision for name, one in metrics.classes.items()} == {
        "negative": 0.5,
        "neutral": 1.0,
        "positive": 0.5,
    }
    assert (metrics.rows, metrics.accuracy, metrics.macro_recall) == (5, 0.6, 0.6667)


def test_f1_is_the_harmonic_mean_of_both() -> None:
    metrics = measure([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], NAMES)
    assert [one.f1 for one in metrics.classes.values()] == [0.5, 0.6667, 0.6667]
    assert metrics.macro_f1 == 0.6111


def test_a_class_that_never_occurs_counts_as_nothing() -> None:
    assert measure([0], [0], NAMES).macro_recall == 0.3333


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        measure([0], [0, 1], NAMES)


def test_confidence_that_is_as_often_right_as_it_says_has_no_error() -> None:
    assert calibration_error([0.5] * 4, [True, True, False, False]) == 0.0


def test_confidence_that_is_always_wrong_errs_by_itself() -> None:
    assert calibration_error([0.9] * 10, [False] * 10) == 0.9
    assert calibration_error([1.0] * 10, [False] * 5 + [True] * 5) == 0.5
