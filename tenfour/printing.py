"""What the commands write: tables for people and JSON for machines on stdout, remarks on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

NO_STYLES: Final[Mapping[str, str]] = MappingProxyType({})


def remark(line: str) -> None:
    """A line for whoever watches; never part of the result."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON value in one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str] = NO_STYLES) -> None:
    """A table that fits the terminal; where stdout is none, each row stays one line. `styles`: those of whole cells, by
    what they say; colours are for terminals only."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*[Text(cell, styles.get(cell, "")) for cell in row])
    console = Console(width=None if sys.stdout.isatty() else _width(columns, rows))
    console.print(table)


@contextmanager
def progress_bar(name: str, *, shown: bool = True) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr, where that is a terminal. It is told what is done and, if known, the total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disabled = not (shown and sys.stderr.isatty())
    with Progress(*columns, console=Console(stderr=True), disable=disabled) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Enough for the longest cell of every column, with the gaps."""
    return sum([max([len(cell) for cell in column]) + 4 for column in zip(columns, *rows, strict=True)])
