from pathlib import Path

import pytest

from models.evaluate import evaluate_sentiment, table
from models.mention_model import MentionModel
from models.tweeteval import DataError, LabelledTexts, read_split


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "tweeteval" / "sentiment"
    folder.mkdir(parents=True)
    (folder / "test_text.txt").write_text("@user I love it\nopens at nine\n")
    (folder / "test_labels.txt").write_text("2\n1\n")
    (folder / "train_recon.tsv").write_text("0\tbad &amp; late\tfile\t1\n")
    return tmp_path


def test_texts_and_labels_are_read_side_by_side(data: Path) -> None:
    assert read_split(data, "test") == LabelledTexts(["@user I love it", "opens at nine"], [2, 1])


def test_training_rows_are_prepared_as_at_run_time(data: Path) -> None:
    assert read_split(data, "train") == LabelledTexts(["bad & late"], [0])


def test_a_missing_split_is_named(data: Path) -> None:
    with pytest.raises(DataError, match=r"val_text\.txt is missing"):
        read_split(data, "val")


def test_a_label_out_of_range_is_named_with_its_line(data: Path) -> None:
    (data / "tweeteval" / "sentiment" / "test_labels.txt").write_text("2\n7\n")
    with pytest.raises(DataError, match=r"test_labels\.txt line 2"):
        read_split(data, "test")


def test_unequal_numbers_of_texts_and_labels_are_refused(data: Path) -> None:
    (data / "tweeteval" / "sentiment" / "test_labels.txt").write_text("2\n")
    with pytest.raises(DataError, match="1 rows for 2 texts"):
        read_split(data, "test")


def test_speed_is_texts_by_the_clock(model: MentionModel) -> None:
    seconds = iter([10.0, 12.0])
    evaluation = evaluate_sentiment(model, LabelledTexts(["I love it", "I hate it"], [2, 0]), lambda: next(seconds))
    assert evaluation.texts_per_second == 1.0
    assert evaluation.metrics.accuracy == 1.0
    assert "accuracy 100.0%" in table(model.version, evaluation)
