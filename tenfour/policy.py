"""`tenfour policy`: is the policy right, and what does it say?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from domain.policy import Policy, PolicyError
from streams.settings import load_settings
from tenfour.policy_file import read_policy
from tenfour.printing import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="The policy: types, teams, owners, targets.")


class TypeRow(NamedTuple):
    """What the policy says of one type; None where nobody answers it."""

    type: str
    urgency: str
    team: str | None = None
    owner: str | None = None
    first_response_minutes: int | None = None


@app.callback()
def policy() -> None:
    """The policy: types, teams, owners, targets."""


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="Default: TENFOUR_POLICY.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check the policy. Every mistake is told with its file and line; the exit status is then 1."""
    path = file or load_settings().policy
    try:
        found = read_policy(path)
    except PolicyError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    if json:
        print_json({"version": found.version, "types": [row._asdict() for row in _rows(found)]})
        return
    print(f"{path}: valid, version {found.version}")
    shown = [[cell or "-" for cell in (*row[:4], _span(row.first_response_minutes))] for row in _rows(found)]
    print_table(["type", "urgency", "team", "owner", "target"], shown)


def _rows(policy: Policy) -> list[TypeRow]:
    rows = []
    for type_, rule in policy.types.rules():
        answer = policy.answers.get(type_)
        answered = (answer.team, answer.owner, answer.first_response_minutes) if answer else ()
        rows.append(TypeRow(type_, rule.urgency, *answered))
    return rows


def _span(minutes: int | None) -> str:
    hours, rest = divmod(minutes or 0, 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0))
