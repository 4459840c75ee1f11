"""`tenfour settings`: every variable that the program reads."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NamedTuple

import typer

from streams.settings import PREFIX, Settings, SettingsError, load_settings
from tenfour.printing import print_json, print_table, remark

app = typer.Typer()

ELSEWHERE: Final = {
    "KAFKA_BOOTSTRAP": ("Kafka's address where TENFOUR_BOOTSTRAP is empty.", ""),
    "TENFOUR_CACHE": ("Folder that keeps the embedded broker's jars, for all checkouts.", "~/.cache/tenfour"),
    "TENFOUR_TRACEBACK": ("Set to anything to see where an error happened.", ""),
}
"""Variables that are no settings of a process, with meaning and default."""
_SECRET_WORDS: Final = ("TOKEN", "SECRET", "PASSWORD")
_PASSWORD_IN_URL: Final = re.compile("(?<=://)([^:@/]*):[^@]*@")


class Variable(NamedTuple):
    """One variable. `current` is None where it is not set."""

    name: str
    meaning: str
    default: str
    current: str | None


@app.command()
def settings(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for the documentation.")] = False,
) -> None:
    """List every setting: its variable, meaning, default and current value. Secrets are masked."""
    found = variables(os.environ)
    if markdown:
        print(as_markdown(found), end="")
    elif json:
        print_json([variable._asdict() for variable in found])
    else:
        print_table(Variable._fields, [[cell or "" for cell in variable] for variable in found])
    try:
        load_settings()
    except SettingsError as error:
        remark(f"tenfour: {error}")
        raise typer.Exit(1) from None


def variables(environment: Mapping[str, str]) -> list[Variable]:
    """Every variable, with its value in the environment; secrets masked."""
    declared = {
        PREFIX + name.upper(): (field.description or "", _shown(field.default))
        for name, field in Settings.model_fields.items()
    }
    return [
        Variable(name, meaning, default, _masked(name, environment.get(name)))
        for name, (meaning, default) in (declared | ELSEWHERE).items()
    ]


def as_markdown(found: Sequence[Variable]) -> str:
    """The table that stands in the documentation: without current values."""
    rows = [
        f"| `{name}` | {meaning} | {f'`{default}`' if default else 'empty'} |" for name, meaning, default, _ in found
    ]
    return "\n".join(["| variable | meaning | default |", "|---|---|---|", *rows, ""])


def _shown(default: object) -> str:
    if default is None:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def _masked(name: str, value: str | None) -> str | None:
    if value and any(word in name for word in _SECRET_WORDS):
        return "(set, not shown)"
    return None if value is None else _PASSWORD_IN_URL.sub(r"\1:***@", value)
