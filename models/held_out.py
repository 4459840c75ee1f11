"""Which texts are kept back for a final check, recognised by hash and as near-copies."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

_HANDLE_OR_LINK = re.compile(r"@\w+|(?:https?://|www\.)\S+|\blink\b", re.IGNORECASE)


@dataclass(frozen=True)
class HeldOut:
    """The kept texts: by key, and by essence where the text itself is at hand."""

    keys: frozenset[str]
    essences: frozenset[str]

    def holds(self, text: str) -> bool:
        """Whether the text is a held-out one, or equals one but for handles, links, case and punctuation."""
        return key_of(text) in self.keys or essence(text) in self.essences


def key_of(text: str) -> str:
    """First 16 hex digits of the SHA-1 of the text, every run of white space made one space."""
    folded = " ".join(text.split()).encode("utf-8", "surrogatepass")
    return sha1(folded, usedforsecurity=False).hexdigest()[:16]


def essence(text: str) -> str:
    """The words in lower case, without handles, links and punctuation: near-copies have the same essence."""
    return " ".join(re.findall(r"\w+", _HANDLE_OR_LINK.sub(" ", html.unescape(text)).casefold()))


def read_keys(path: Path) -> frozenset[str]:
    """The keys in the file: one a line, `#` starts a comment."""
    lines = path.read_text("utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def read_held_out(keys_file: Path, data: Path) -> HeldOut:
    """The keys, and the essence of every text in the data sets that has one of them."""
    keys = read_keys(keys_file)
    essences = {essence(text) for text in held_out_texts(keys, data)}
    return HeldOut(keys, frozenset(essences - {""}))


def held_out_texts(keys: frozenset[str], data: Path) -> frozenset[str]:
    """The texts below a folder whose key is listed: hashes alone could not show what nearly equals them."""
    files = sorted([file for file in data.rglob("*") if file.is_file()])
    return frozenset(text for file in files for text in texts_in(file) if key_of(text) in keys)


def texts_in(file: Path) -> Iterator[str]:
    """Every text that the file may hold: cells of CSV, strings of JSON, else lines and their columns."""
    content = file.read_text("utf-8", errors="replace")
    match file.suffix:
        case ".csv":
            yield from _flat(csv.reader(io.StringIO(content, newline="")))
        case ".json":
            yield from _strings(json.loads(content))
        case _:
            lines = content.splitlines()
            yield from lines
            yield from _flat(line.split("\t") for line in lines if "\t" in line)


def _flat(rows: Iterable[list[str]]) -> Iterator[str]:
    for row in rows:
        yield from row


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from _strings(branch)
