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


class Metrics(_Record):
    """Shares between 0 and 1, measured on one split; recall by label name."""

    rows: int
    macro_recall: float
    accuracy: float
    recall: dict[str, float]


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


class TrainingSettings(_Record):
    """How the network is fine-tuned. Lengths in tokens, `warmup` as a share of all steps."""

    seed: int = 20
    epochs: float = 1.0
    batch: int = 32
    max_tokens: int = 64
    learning_rate: float = 5e-5
    warmup: float = 0.06
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    gradient_norm: float = 1.0


class Manifest(_Record):
    """A model folder's contents. `files` maps a file name to its sha256, `metrics` a precision to its figures."""

    name: str
    version: str
    labels: tuple[str, ...]
    max_tokens: int = Field(gt=2)
    files: dict[str, str]
    encoder: Source
    data: DataSource
    training: TrainingSettings
    chosen_by: str
    metrics: dict[str, Metrics]

    @property
    def model_version(self) -> str:
        """Name and first 12 hex digits of the model file's hash: what a record carries as its model."""
        return f"{self.name}@{self.files[MODEL_FILE][:12]}"


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
