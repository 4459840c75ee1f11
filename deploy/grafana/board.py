"""What our dashboards have in common: their links, their variables, their rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.panels import DATASOURCE, Panel

TAG: Final = "tenfour"
REFRESH: Final = "10s"
WINDOWS: Final = ("15m", "1h", "6h", "1d", "7d")
Variable = dashboard.QueryVariable | dashboard.IntervalVariable


class Row(NamedTuple):
    title: str
    panels: Sequence[Panel]


class Board(NamedTuple):
    """`name`: that of its file, and, with the tag before it, the uid: addresses hold it, so it stays as it is."""

    name: str
    title: str
    description: str
    past: str
    """How far back it shows at first, such as `1h`."""
    variables: Sequence[Variable]
    rows: Sequence[Row]


def among(label: str, metric: str, title: str) -> dashboard.QueryVariable:
    """A choice of the values of a label, or all."""
    return (
        dashboard.QueryVariable(label)
        .label(title)
        .query(f"label_values({metric}, {label})")
        .datasource(DATASOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(VariableOption(text="All", value="$__all"))
    )


def window(chosen: str) -> dashboard.IntervalVariable:
    """What answers are for, each."""
    return (
        dashboard.IntervalVariable("window")
        .label("In windows of")
        .values(",".join(WINDOWS))
        .options([VariableOption(text=one, value=one, selected=one == chosen) for one in WINDOWS])
        .current(VariableOption(text=chosen, value=chosen, selected=True))
    )


def made(board: Board) -> Dashboard:
    """As Grafana reads it."""
    begun = (
        dashboard.Dashboard(board.title)
        .uid(f"{TAG}-{board.name}")
        .description(board.description)
        .tags([TAG])
        .time(f"now-{board.past}", "now")
        .timezone("browser")
        .refresh(REFRESH)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(
            dashboard.DashboardLink("Tenfour")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for variable in board.variables:
        begun.with_variable(variable)
    numbers = count(1)
    for row in board.rows:
        begun.with_row(dashboard.Row(row.title).id(next(numbers)))
        for panel in row.panels:
            begun.with_panel(panel.id(next(numbers)))
    return begun.build()
