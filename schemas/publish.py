"""Writes the JSON Schemas of all records: `python -m schemas.publish [--check]`.

A schema that would break readers of records already written is refused: change the record's version instead.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.codecs import KINDS
from schemas.compatibility import Schema, breaking_changes
from schemas.records import AnyRecord

FOLDER: Final = Path(__file__).parent / "jsonschema"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: type[AnyRecord]) -> Schema:
    """The JSON Schema of what travels: unlike the model's own, it requires `record` and `version`."""
    schema = kind.model_json_schema(mode="validation")
    for part in [schema, *schema.get("$defs", {}).values()]:
        if "record" in part.get("properties", {}):
            part["required"] = ["record", "version", *part["required"]]
    return {"$schema": DIALECT, "$id": f"urn:tenfour:{_stem(kind)}", **schema}


def published_files(folder: Path) -> dict[Path, str]:
    """What the folder should hold: a file a record and version, with its text."""
    return {
        folder / f"{_stem(kind)}.schema.json": json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in KINDS.values()
    }


def broken_promises(files: Mapping[Path, str]) -> Iterator[str]:
    """A sentence for each change that breaks with the schema published before in the same file."""
    for path, text in files.items():
        if path.exists():
            changes = breaking_changes(json.loads(path.read_text("utf-8")), json.loads(text))
            yield from [f"{path.name}: {change}" for change in changes]


def stale_files(files: Mapping[Path, str]) -> Iterator[str]:
    """A sentence for each file that differs from what the records say."""
    for path, text in files.items():
        if not path.exists() or path.read_text("utf-8") != text:
            yield f"{path.name} differs from schemas/records.py; run `python -m schemas.publish`"


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Exit status 0 when written (`--check`: up to date), 1 with sentences on stderr, 2 for misuse."""
    if set(arguments) - {"--check"}:
        print("usage: python -m schemas.publish [--check]", file=sys.stderr)
        return 2
    files = published_files(folder)
    complaints = [*broken_promises(files), *(stale_files(files) if "--check" in arguments else [])]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not complaints and "--check" not in arguments:
        for path, text in files.items():
            path.write_text(text, "utf-8")
    return 1 if complaints else 0


def _stem(kind: type[AnyRecord]) -> str:
    return f"{kind.model_fields['record'].default}.v{kind.model_fields['version'].default}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
