import shutil
from pathlib import Path

import pytest

from models.manifest import MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE, ModelError, load_manifest, sha256
from models.sentiment_model import SentimentModel
from models.text import LABELS


@pytest.fixture
def copy(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "sentiment"))


def test_the_shipped_folder_is_what_its_manifest_says(shipped: Path) -> None:
    manifest = load_manifest(shipped)
    assert manifest.labels == LABELS
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
        SentimentModel.load(copy)


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


def test_a_manifest_for_other_labels_is_refused(copy: Path) -> None:
    other = load_manifest(copy).model_copy(update={"labels": ("spam", "ham")})
    (copy / MANIFEST_FILE).write_text(other.model_dump_json())
    with pytest.raises(ModelError, match="labels"):
        SentimentModel.load(copy)


def test_the_measured_figures_are_above_the_published_floors(shipped: Path) -> None:
    measured = load_manifest(shipped).metrics["int8"]
    assert measured.rows == 12_284
    assert measured.macro_recall >= 0.69
    assert min(measured.recall.values()) >= 0.55
