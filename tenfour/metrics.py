"""`tenfour metrics`: what every process may show on /metrics."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.metric_families import Declaration, Label
from streams.metrics import CATALOGUE
from tenfour.printing import print_json, print_table

app = typer.Typer()
COLUMNS = ("metric", "type", "unit", "labels", "what it says")


@app.command()
def metrics(
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for docs/metrics.md.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")] = False,
) -> None:
    """List every metric: type, unit, labels with the most values of each, and what it says."""
    declared = CATALOGUE.declarations
    if json:
        print_json([one._asdict() | {"labels": [label._asdict() for label in one.labels]} for one in declared])
    elif markdown:
        print("\n".join([f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *map(_line, declared)]))
    else:
        rows = [[one.name, one.kind, one.unit, ", ".join(map(_label, one.labels)), one.help] for one in declared]
        print_table(COLUMNS, rows)


def _line(one: Declaration) -> str:
    labels = "<br>".join(_label(label) for label in one.labels)
    return f"| `{one.name}` | {one.kind} | {one.unit} | {labels} | {one.help} |"


def _label(label: Label) -> str:
    """With its values where they are few, else their most."""
    if label.values is not None and len(label.values) <= 6:
        return f"{label.name} ({', '.join(label.values)})"
    return f"{label.name} ({label.most})"
