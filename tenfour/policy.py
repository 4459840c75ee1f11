"""`tenfour policy`: is the policy right, and what does it say?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from domain.policy import Policy, PolicyError
from domain.policy_sections import AnsweredType, TargetRule
from domain.targets import RiskLevel
from streams.settings import load_settings
from tenfour.policy_file import read_policy
from tenfour.printing import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="The policy: types, teams, owners, targets.")
TARGETS: Final = ("first response", "next response", "resolution")


class TypeRow(NamedTuple):
    """What the policy says of one type; None where nobody answers it, and for a target that it has not."""

    type: str
    urgency: str
    team: str | None = None
    owner: str | None = None
    calendar: str | None = None
    first_response_minutes: int | None = None
    next_response_minutes: int | None = None
    resolution_minutes: int | None = None


@app.callback()
def policy() -> None:
    """The policy: types, teams, owners, targets."""


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="Default: TENFOUR_POLICY.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check the policy, and show what it promises. Every mistake is told with its file and line; exit status 1."""
    path = file or load_settings().policy
    try:
        found = read_policy(path)
    except PolicyError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    if json:
        print_json(_told(found))
        return
    print(f"{path}: valid, version {found.version}")
    _show_types(found)
    if found.targets:
        _show_rules(found.targets)
    shares = ", ".join(f"{target} {share:.0%}" for target, share in found.desk)
    print(f"at risk {' and '.join(map(_level, found.at_risk))}, counted from when a mention is {found.start_from}")
    print(f"within the desk, of a response's minutes: {shares}")


def _told(policy: Policy) -> dict[str, Any]:
    """For machines: the promises, with the rules in their order."""
    return {
        "version": policy.version,
        "types": [row._asdict() for row in _rows(policy)],
        "targets": [rule.model_dump(exclude_none=True) for rule in policy.targets],
        "desk": policy.desk.model_dump(),
        "at_risk": [level.model_dump(exclude_none=True) for level in policy.at_risk],
    }


def _show_types(policy: Policy) -> None:
    shown = [[*(cell or "-" for cell in row[:5]), *map(_span, row[5:])] for row in _rows(policy)]
    print_table(["type", "urgency", "team", "owner", "calendar", *TARGETS], shown)


def _show_rules(rules: Sequence[TargetRule]) -> None:
    """In their order, since of each target the first that fits decides."""
    shown = [
        [_whom(rule), *map(_span, (rule.first_response_minutes, rule.next_response_minutes, rule.resolution_minutes))]
        for rule in rules
    ]
    print_table(["but for mentions of", *TARGETS], shown)


def _rows(policy: Policy) -> Iterator[TypeRow]:
    """With the minutes for the type's own team and priority."""
    for type_, rule in policy.types.rules():
        if not isinstance(rule, AnsweredType):
            yield TypeRow(type_, rule.urgency)
            continue
        promise = policy.promise(type_, rule.team, rule.priority)
        following = None if promise.next_response is None else promise.next_response.due // timedelta(minutes=1)
        resolution = None if promise.resolution is None else promise.resolution.minutes
        calendar = policy.teams[rule.team].calendar
        minutes = (promise.first_response_minutes, following, resolution)
        yield TypeRow(type_, rule.urgency, rule.team, rule.owner, calendar, *minutes)


def _whom(rule: TargetRule) -> str:
    named = [f"type {rule.type}"] * (rule.type is not None) + [f"team {rule.team}"] * (rule.team is not None)
    if rule.priority is not None:
        named.append("priority 1" if rule.priority == 1 else f"priority 1 to {rule.priority}")
    return ", ".join(named) or "any kind"


def _level(level: RiskLevel) -> str:
    return f"after {level.fraction:.0%}" if level.fraction is not None else f"{_span(level.minutes_before)} before due"


def _span(minutes: int | None) -> str:
    hours, rest = divmod(minutes or 0, 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0)) or "-"
