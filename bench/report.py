"""What a benchmark says: one table in Markdown. All of them make RESULTS.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"^## (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Table:
    """The result of one benchmark. `notes` say how it was measured and what is aimed at."""

    name: str
    command: str
    notes: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def as_markdown(table: Table) -> str:
    """A section with the command, the notes and the table."""
    lines = [f"## {table.name}", "", f"`{table.command}`", "", *(f"- {note}" for note in table.notes), ""]
    lines += [_row(table.columns), _row(["---"] * len(table.columns)), *map(_row, table.rows)]
    return "\n".join(lines) + "\n"


def merged(old: str, machine: Sequence[str], sections: Mapping[str, str], order: Sequence[str]) -> str:
    """The text of RESULTS.md: the sections of `old`, those of `sections` in their place, in the given order."""
    all_sections = _sections(old) | dict(sections)
    head = ["# Results", "", "Written by `python -m bench`.", "", *(f"- {line}" for line in machine)]
    return "\n".join(["\n".join(head) + "\n", *(all_sections[name] for name in order if name in all_sections)])


def write_results(path: Path, machine: Sequence[str], sections: Mapping[str, str], order: Sequence[str]) -> None:
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(merged(old, machine, sections, order), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    starts = [*_HEADING.finditer(text)]
    ends = [*(found.start() for found in starts[1:]), len(text)][: len(starts)]
    return {found[1]: text[found.start() : end].rstrip("\n") + "\n" for found, end in zip(starts, ends, strict=True)}


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
