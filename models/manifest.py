"""What a model folder holds, how it was made and how well it does: `manifest.json`, checked before use."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"


class ModelError(Exception):
    """A model folder cannot be used; the message says which file, what is wrong and what to do."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassMetrics(_Record):
    """Shares between 0 and 1 of one class; `rows` are those that truly belong to it."""

    rows: int
    precision: float
    recall: float
    f1: float


class Metrics(_Record):
    """Shares between 0 and 1 of one head on one split, and of each of its classes by name."""

    rows: int
    macro_recall: float
    macro_f1: float
    accuracy: float
    classes: dict[str, ClassMetrics]


class ReviewPoint(_Record):
    """If mentions below the threshold of confidence go to people, these are so large a share of all, and so large a
    share of the others has a wrong type; on the validation split."""

    threshold: float
    share: float
    error: float


class Source(_Record):
    """Something the model was made from, and the terms it came under."""

    name: str
    origin: str
    licence: str
    sha256: str | None = None


class DataSource(_Record):
    """The labelled texts: where from, on which terms, how many rows by split."""

    name: str
    origin: str
    licence: str
    rows: dict[str, int]


class TeacherSettings(_Record):
    """How the larger network is fine-tuned, where it differs, and what the shipped one learns from it."""

    batch: int = 16
    learning_rate: float = 4e-5
    frozen_layers: int = 4
    sentiment_rows_a_class: int = 5_000
    """The rarer a class, the more it would be overlooked: the frequent ones are cut to so many rows."""
    type_passes: int = 1
    unlabelled: int = 6_000
    """Posts to brands that nobody labelled, from the brands and authors of the training split."""
    soft_share: float = 0.6
    """Of a target, what comes from the teacher's probabilities where a label is known."""


class TrainingSettings(_Record):
    """How the network is fine-tuned: so many passes over the examples of each head. Lengths in tokens, `warmup` as a
    share of all steps. `teacher` is None where the network learnt from labels alone."""

    seed: int = 20
    sentiment_passes: int = 2
    type_passes: int = 4
    batch: int = 32
    max_tokens: int = 64
    learning_rate: float = 8e-5
    warmup: float = 0.06
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    complaint_bias: float = 0.8
    """Added to a complaint's logit after training: an overlooked one costs more than one too many. On the validation
    split it finds 5 in 100 complaints more and costs 0.3 points of accuracy."""
    gradient_norm: float = 1.0
    teacher: TeacherSettings | None = None


class Manifest(_Record):
    """A model folder's contents. `files` maps a file name to its sha256; `heads` a head to its classes in order;
    `temperatures` a head to what its logits are divided by; `metrics` a precision to a head's figures on its test
    split; `calibration_error` a head to its expected calibration error there, after scaling."""

    name: str
    version: str
    heads: dict[str, tuple[str, ...]]
    max_tokens: int = Field(gt=2)
    languages: tuple[str, ...]
    """ISO 639: those on which the model was measured."""
    temperatures: dict[str, float]
    review_curve: tuple[ReviewPoint, ...]
    """By rising threshold, up to one that sends all to people."""
    files: dict[str, str]
    encoder: Source
    teacher: Source | None = None
    data: tuple[DataSource, ...]
    training: TrainingSettings
    metrics: dict[str, dict[str, Metrics]]
    calibration_error: dict[str, float]

    @property
    def model_version(self) -> str:
        """Name and first 12 hex digits of the model file's hash: what a record carries as its model."""
        return f"{self.name}@{self.files[MODEL_FILE][:12]}"

    def review_threshold(self, *, share: float | None, tolerated_error: float | None) -> float:
        """The confidence below which a mention goes to people: that of the point of the curve nearest to `share`, or
        the lowest that leaves at most `tolerated_error` among the others."""
        if share is not None:
            return min(self.review_curve, key=lambda point: abs(point.share - share)).threshold
        assert tolerated_error is not None
        return next(point.threshold for point in self.review_curve if point.error <= tolerated_error)


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a model folder, every file's sha256 verified. Raises ModelError."""
    manifest = _read(folder / MANIFEST_FILE)
    for name in (MODEL_FILE, TOKENIZER_FILE):
        if name not in manifest.files:
            raise ModelError(f"{folder / MANIFEST_FILE} names no sha256 for {name}. {_REMEDY}")
    for name, expected in manifest.files.items():
        _verify(folder / name, expected)
    return manifest


def sha256(file: Path) -> str:
    """Hash of a file's bytes, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_REMEDY = "Restore the folder with `git checkout`, or make the model again with `make model DATA=DIR`."


def _read(file: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}). {_REMEDY}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"{file} is not a model manifest: {place}: {first['msg']}. {_REMEDY}") from error


def _verify(file: Path, expected: str) -> None:
    if not file.is_file():
        raise ModelError(f"{file} is missing: expected a file with sha256 {expected}. {_REMEDY}")
    found = sha256(file)
    if found != expected:
        raise ModelError(f"{file} is not the published file: expected sha256 {expected}, found {found}. {_REMEDY}")
