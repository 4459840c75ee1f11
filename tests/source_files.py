"""The repository's own Python files, and what they say."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "schemas",
    "domain",
    "streams",
    "agents",
    "models",
    "gateway",
    "console",
    "tenfour",
    "bench",
    "deploy",
    "tests",
)


def source_files(*folders: str) -> list[Path]:
    """Python files of the folders, of all of them if none is named, relative to the repository."""
    inside = [path for folder in folders or FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in inside)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path.name)


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that the file imports, wherever in it; a relative one begins with a dot."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
