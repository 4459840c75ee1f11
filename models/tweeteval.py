"""TweetEval sentiment as three splits of labelled texts, prepared as at run time.

Files in `tweeteval/sentiment/` of the folder of data sets: `train_recon.tsv` (label, text, source file, tweet id)
and, for `val` and `test`, `<split>_text.txt` with `<split>_labels.txt`, one row a line.
"""

from pathlib import Path
from typing import Literal, NamedTuple

from models.text import prepare

Split = Literal["train", "val", "test"]


class DataError(Exception):
    """A data file is missing or not as described above."""


class LabelledTexts(NamedTuple):
    """Prepared texts and their label numbers (indices into `models.text.LABELS`), of equal length."""

    texts: list[str]
    labels: list[int]


def read_split(data: Path, split: Split) -> LabelledTexts:
    """One split of the sentiment task; `data` is the folder of data sets.

    Raises DataError, naming the file and the line.
    """
    folder = data / "tweeteval" / "sentiment"
    if split == "train":
        return _read_pairs(folder / "train_recon.tsv")
    texts, labels_file = _lines(folder / f"{split}_text.txt"), folder / f"{split}_labels.txt"
    labels = [_label(value, labels_file, number) for number, value in enumerate(_lines(labels_file), start=1)]
    if len(texts) != len(labels):
        raise DataError(f"{labels_file} has {len(labels)} rows for {len(texts)} texts: copy both files again.")
    return LabelledTexts([prepare(text) for text in texts], labels)


def _read_pairs(file: Path) -> LabelledTexts:
    rows = [line.split("\t") for line in _lines(file)]
    labels = [_label(row[0], file, number) for number, row in enumerate(rows, start=1)]
    return LabelledTexts([prepare(row[1]) for row in rows], labels)


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        raise DataError(f"{file} is missing: give the folder that holds `tweeteval/sentiment/`.")
    return file.read_text(encoding="utf-8").rstrip("\n").split("\n")


def _label(value: str, file: Path, number: int) -> int:
    if value not in {"0", "1", "2"}:
        raise DataError(f"{file} line {number}: label {value!r} is not 0, 1 or 2.")
    return int(value)
