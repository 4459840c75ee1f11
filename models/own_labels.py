"""Our own labels: which type a real mention is, keyed by the text's hash, since most texts may not be published.

`labels/labels.csv` has a row a text: `key` (`models.held_out.key_of`), `type`, `also`, a second type that a reasonable
colleague would accept, or nothing, and `drawn`: `sample`, or `chosen` with the help of a model.
`labels/second_pass.csv` holds what a second reader said of some without seeing the first, `labels/first_pass.csv` what
the first had said; `labels/README.md` has the rules and the agreement.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Final, Literal

from models.brand_mentions import BrandMention
from models.text import TYPES

LABELS_FILE: Final = Path(__file__).parent / "labels" / "labels.csv"
SECOND_PASS_FILE: Final = Path(__file__).parent / "labels" / "second_pass.csv"
SPLIT_SALT: Final = "tenfour split 6"
OPEN_BRANDS: Final = frozenset({"airline", "unknown"})
"""Names that stand for many brands: their posts are split by author."""

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Label:
    """What a reader said: the type, and another that would do, both as numbers in `models.text.TYPES`."""

    type: int
    also: int | None = None
    chosen: bool = False
    """Whether a model chose the text for its labelling: what it finds easy or hard is no fair test."""

    @property
    def accepted(self) -> frozenset[int]:
        return frozenset({self.type} if self.also is None else {self.type, self.also})


@dataclass(frozen=True)
class LabelledMention:
    mention: BrandMention
    label: Label


def read_labels(file: Path) -> dict[str, Label]:
    """Labels by key. Raises OSError, or ValueError for an unknown type."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {
            row["key"]: Label(
                TYPES.index(row["type"]),
                TYPES.index(row["also"]) if row["also"] else None,
                row.get("drawn") == "chosen",
            )
            for row in csv.DictReader(lines)
        }


def split_labelled(mentions: Iterable[BrandMention], labels: Mapping[str, Label]) -> dict[Split, list[LabelledMention]]:
    """Labelled mentions by split. A brand lies in one split only; so does an author: a post of an author or a brand
    of the test split is never trained on. Texts that a model chose are not tested on."""
    chosen = [LabelledMention(post, labels[post.key]) for post in mentions if post.key in labels]
    splits: dict[Split, list[LabelledMention]] = {"train": [], "val": [], "test": []}
    for found in chosen:
        splits[_split_of(found.mention)].append(found)
    authors = {found.mention.author for found in splits["test"]}
    splits["test"] = [found for found in splits["test"] if not found.label.chosen]
    for name in ("train", "val"):
        splits[name] = [found for found in splits[name] if found.mention.author not in authors]
    return splits


def unlabelled(mentions: Sequence[BrandMention], labels: Mapping[str, Label]) -> list[BrandMention]:
    """Posts that nobody labelled, of brands and authors that may be trained on."""
    tested = {post.author for post in mentions if _split_of(post) != "train"}
    free = (post for post in mentions if post.key not in labels and _split_of(post) == "train")
    return [post for post in free if post.author not in tested]


def _split_of(mention: BrandMention) -> Split:
    unit = mention.author if mention.brand in OPEN_BRANDS else mention.brand
    share = int(sha1(f"{SPLIT_SALT}:{unit}".encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32
    return "test" if share < 0.2 else "val" if share < 0.28 else "train"


def kappa(first: Sequence[int], second: Sequence[int], type_: int | None = None) -> float:
    """Cohen's kappa of two readers, over all types or for one against the rest (Cohen 1960). 1.0 where both always
    agree by chance too."""
    pairs = [(a, b) if type_ is None else (a == type_, b == type_) for a, b in zip(first, second, strict=True)]
    observed = sum(a == b for a, b in pairs) / len(pairs)
    ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(count * theirs[name] for name, count in ours.items()) / len(pairs) ** 2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)
