"""The blocks of code in a document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path


def blocks(document: Path, language: str) -> list[str]:
    """Those of a language, such as `sh`, that begin at the margin."""
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def shell_lines(document: Path) -> list[str]:
    """The commands of the document's shell blocks, continued lines joined."""
    return [line for block in blocks(document, "sh") for line in _commands(block)]


def _commands(block: str) -> Iterator[str]:
    pending, end = "", None
    for line in block.splitlines():
        pending = f"{pending}\n{line}" if pending else line
        here = re.search(r"<<'(\w+)'", line)
        end = here[1] if here else None if line == end else end
        if end is None and pending.count("'") % 2 == 0:
            yield pending
            pending = ""
