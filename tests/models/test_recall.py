import pytest

from models.recall import measure


def test_macro_recall_weighs_each_class_alike() -> None:
    metrics = measure(predicted=[0, 1, 1, 1, 1, 1, 2, 1], actual=[0, 0, 1, 1, 1, 1, 2, 2])
    assert metrics.recall == {"negative": 0.5, "neutral": 1.0, "positive": 0.5}
    assert metrics.macro_recall == pytest.approx(2 / 3, abs=1e-4)
    assert metrics.accuracy == 0.75


def test_a_class_that_never_occurs_counts_as_nothing_found() -> None:
    assert measure([1], [1]).macro_recall == pytest.approx(1 / 3, abs=1e-4)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        measure([1], [1, 2])
