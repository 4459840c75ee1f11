"""Which folder may know which, and what files may be called."""

from pathlib import Path
from typing import Final

import pytest

from tests.source_files import FOLDERS, ROOT, imported, source_files

INNER: Final = {"schemas"}
MIDDLE: Final = INNER | {"streams", "models", "domain"}
MAY_IMPORT: Final = {
    "schemas": set[str](),
    "domain": INNER,
    "streams": INNER,
    "models": INNER,
    "agents": MIDDLE,
    "gateway": MIDDLE,
    "console": MIDDLE,
    "tenfour": MIDDLE | {"agents", "gateway", "console"},
    "deploy": set[str](),
}
"""The command line puts all parts together. `bench` and `tests` may import anything."""

STAGE_NAMES: Final = ("classify", "deadlines")
NO_NAMES: Final = {"utils", "util", "common", "helpers", "helper", "core", "manager", "base", "misc"}
ACROSS: Final = {"chaos", "pipeline"}
"""Tests of everything together."""


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_lies_further_in(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder}
    found = [
        f"{path} imports {module}"
        for path in source_files(folder)
        for module in imported(path)
        if module.split(".")[0] in FOLDERS and module.split(".")[0] not in allowed
    ]
    assert found == []


def test_every_import_says_the_full_name() -> None:
    relative = [str(path) for path in source_files() for module in imported(path) if module.startswith(".")]
    assert relative == []


def test_every_folder_with_python_in_it_is_known() -> None:
    inside = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert inside <= set(FOLDERS)


def test_the_transport_knows_no_stage() -> None:
    knowing = [
        f"{path} says {name}"
        for path in source_files("streams")
        if path.name not in ("settings.py", "topics.py", "metrics.py")  # these declare for all stages
        for name in STAGE_NAMES
        if f'"{name}"' in (ROOT / path).read_text()
    ]
    assert knowing == []


def test_tests_lie_where_what_they_test_lies() -> None:
    folders = {path.parts[1] for path in source_files("tests") if len(path.parts) > 2}
    assert sorted(name for name in folders - ACROSS if not (ROOT / name).is_dir()) == []


def test_no_file_is_called_by_a_word_that_says_nothing() -> None:
    assert [str(path) for path in source_files() if Path(path).stem.strip("_") in NO_NAMES] == []
