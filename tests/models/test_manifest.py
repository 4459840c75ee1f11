import shutil
from pathlib import Path

import pytest

from models.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    ModelError,
    ReviewPoint,
    load_manifest,
    sha256,
)
from models.mention_model import MentionModel
from models.text import HEADS


@pytest.fixture
def copy(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "mentions"))


def test_the_shipped_folder_is_what_its_manifest_says(shipped: Path) -> None:
    manifest = load_manifest(shipped)
    assert manifest.heads == HEADS
    assert manifest.files.keys() == {MODEL_FILE, TOKENIZER_FILE}


def test_a_changed_model_file_is_refused_with_both_hashes(copy: Path) -> None:
    expected = sha256(copy / MODEL_FILE)
    with (copy / MODEL_FILE).open("r+b") as file:
        file.write(b"changed")
    with pytest.raises(ModelError) as refusal:
        load_manifest(copy)
    for part in (str(copy / MODEL_FILE), expected, sha256(copy / MODEL_FILE), "make model"):
        assert part in str(refusal.value)


def test_a_changed_tokenizer_is_refused_by_the_model_too(copy: Path) -> None:
    (copy / TOKENIZER_FILE).write_text("{}")
    with pytest.raises(ModelError, match=TOKENIZER_FILE):
        MentionModel.load(copy)


def test_a_missing_model_file_is_named(copy: Path) -> None:
    (copy / MODEL_FILE).unlink()
    with pytest.raises(ModelError, match=r"model\.onnx is missing"):
        load_manifest(copy)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json cannot be read"):
        load_manifest(tmp_path)


def test_a_manifest_that_is_not_json_is_refused(copy: Path) -> None:
    (copy / MANIFEST_FILE).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ModelError, match="is not a model manifest"):
        load_manifest(copy)


def test_a_manifest_without_the_hash_of_the_model_is_refused(copy: Path) -> None:
    manifest = load_manifest(copy)
    partial = manifest.model_copy(update={"files": {TOKENIZER_FILE: manifest.files[TOKENIZER_FILE]}})
    (copy / MANIFEST_FILE).write_text(partial.model_dump_json())
    with pytest.raises(ModelError, match=r"names no sha256 for model\.onnx"):
        load_manifest(copy)


def test_a_manifest_for_other_heads_is_refused(copy: Path) -> None:
    other = load_manifest(copy).model_copy(update={"heads": {"type": ("spam", "ham")}})
    (copy / MANIFEST_FILE).write_text(other.model_dump_json())
    with pytest.raises(ModelError, match="heads"):
        MentionModel.load(copy)


def test_the_measured_figures_are_above_the_floors(shipped: Path) -> None:
    measured = load_manifest(shipped).metrics["int8"]
    assert measured["sentiment"].rows == 12_284
    assert measured["sentiment"].macro_recall >= 0.69
    assert min(one.recall for one in measured["sentiment"].classes.values()) >= 0.55
    assert measured["type"].macro_f1 >= 0.7
    assert measured["type"].classes["customer_complaint"].recall >= 0.85


def test_int8_costs_no_class_more_than_a_point_of_recall_or_two_texts(shipped: Path) -> None:
    metrics = load_manifest(shipped).metrics
    for head in HEADS:
        for name, before in metrics["fp32"][head].classes.items():
            loss = before.recall - metrics["int8"][head].classes[name].recall
            assert loss <= max(0.01, 2.01 / before.rows), name


CURVE = (
    ReviewPoint(threshold=0.0, share=0.0, error=0.2),
    ReviewPoint(threshold=0.5, share=0.1, error=0.15),
    ReviewPoint(threshold=0.7, share=0.2, error=0.08),
    ReviewPoint(threshold=1.01, share=1.0, error=0.0),
)


def test_a_share_of_review_is_the_threshold_of_the_nearest_point(shipped: Path) -> None:
    manifest = load_manifest(shipped).model_copy(update={"review_curve": CURVE})
    assert manifest.review_threshold(share=0.0, tolerated_error=None) == 0.0
    assert manifest.review_threshold(share=0.14, tolerated_error=None) == 0.5
    assert manifest.review_threshold(share=0.16, tolerated_error=None) == 0.7
    assert manifest.review_threshold(share=1.0, tolerated_error=None) > 1


def test_a_tolerated_error_is_the_lowest_threshold_that_leaves_no_more(shipped: Path) -> None:
    manifest = load_manifest(shipped).model_copy(update={"review_curve": CURVE})
    assert manifest.review_threshold(share=None, tolerated_error=0.15) == 0.5
    assert manifest.review_threshold(share=None, tolerated_error=0.01) > 1
