"""Says of each text that was read what it is: one JSON object a line, in the order of the input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO, Final

from agents.classify_texts import TextFinding
from tenfour.text_records import ReadRecord, TextRecord, UnreadableLine

CHUNK: Final = 256
"""Records that are classified, written and held in memory together."""


_ESCAPED: Final = "\x85\u2028\u2029"
"""Line ends beyond ASCII: Python's `splitlines` parts at them, and older JavaScript."""


Classify = Callable[[Sequence[str]], Sequence[TextFinding]]
"""One finding a text, in the order of the texts."""


def write_classified(
    records: Iterable[ReadRecord],
    classify: Classify,
    out: BinaryIO,
    *,
    explain: bool,
    progress: Callable[[int], None],
) -> int:
    """Writes a line a record and gives the number of unreadable ones. `progress` is told the records written.

    Lines are UTF-8. Each chunk is flushed before the next is read.
    """
    done = unreadable = 0
    remaining = iter(records)
    while chunk := list(islice(remaining, CHUNK)):
        out.write(b"".join(_classified_lines(chunk, classify, explain)))
        out.flush()
        done += len(chunk)
        unreadable += sum(isinstance(record, UnreadableLine) for record in chunk)
        progress(done)
    return unreadable


def _classified_lines(chunk: Sequence[ReadRecord], classify: Classify, explain: bool) -> list[bytes]:
    texts = [record.text for record in chunk if isinstance(record, TextRecord)]
    findings = list(classify(texts)) if texts else []
    if len(findings) != len(texts):
        raise ValueError(f"{len(texts)} texts were given to the classifier, and {len(findings)} findings came back")
    remaining = iter(findings)
    return [
        _json_line(
            {"line": record.line, "error": record.error}
            if isinstance(record, UnreadableLine)
            else _with_fields(_said(record.text, next(remaining), explain), record.fields)
        )
        for record in chunk
    ]


def _said(text: str, finding: TextFinding, explain: bool) -> dict[str, Any]:
    found = finding.classification
    why = {"sentiment": dict(finding.sentiment), "type": dict(finding.type), "rules": list(finding.rules)}
    return {
        "text": text,
        "sentiment": found.sentiment,
        "type": found.type,
        "urgency": found.urgency,
        "confidence": found.confidence,
        "needs_review": found.needs_review,
        "review_reason": found.review_reason,
        "risk_flags": sorted(found.risk_flags),
        "language": found.language,
        "model_version": found.model,
        **({"explain": why} if explain else {}),
    }


def _with_fields(said: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Ours win: the input's fields of the same names move below `input`, and so does an `input` it already has."""
    moved = {name: value for name, value in fields.items() if name in said}
    if not moved:
        return {**said, **fields}
    ours = {*said, "input"}
    kept = {name: value for name, value in fields.items() if name not in ours}
    return {**said, "input": {name: value for name, value in fields.items() if name in ours}, **kept}


def _json_line(value: Mapping[str, Any]) -> bytes:
    """Escaped where it holds lone surrogates, which UTF-8 can't write, or what some readers take for a line's end."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if any(character in line for character in _ESCAPED) or not _is_utf8(line):
        line = json.dumps(value, allow_nan=False)
    return line.encode() + b"\n"


def _is_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
