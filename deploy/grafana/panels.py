"""How our panels look: a title that asks, a description that says what is normal and what to do, a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table
from grafana_foundation_sdk.builders import statetimeline as timeline
from grafana_foundation_sdk.builders import timeseries as trends
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.grafana.queries import WINDOW, Query

DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
PER_SECOND: Final = "suffix:/s"
FIGURE_HEIGHT: Final = 5
HEIGHT: Final = 8
GOOD, DOUBTFUL, BAD, PLAIN = "green", "orange", "red", "blue"

Limits = list[Threshold]
Panel = stat.Panel | trends.Panel | bargauge.Panel | table.Panel | heatmap.Panel | timeline.Panel
P = TypeVar("P", stat.Panel, trends.Panel, bargauge.Panel, table.Panel, heatmap.Panel, timeline.Panel)


@dataclass(frozen=True)
class Asked:
    """What every panel has. `unit` is Grafana's name of it; `limits` colour the values."""

    title: str
    description: str
    unit: str
    width: int
    """Of the 24 columns."""
    limits: Limits = field(default_factory=list)


def worse_above(doubtful: float, bad: float) -> Limits:
    return [Threshold(color=GOOD), Threshold(doubtful, DOUBTFUL), Threshold(bad, BAD)]


def worse_below(doubtful: float, bad: float) -> Limits:
    return [Threshold(color=BAD), Threshold(bad, DOUBTFUL), Threshold(doubtful, GOOD)]


def figure(asked: Asked, query: Query, *, height: int = FIGURE_HEIGHT) -> stat.Panel:
    """What is so now, before a faint line of how it has changed."""
    panel = _new(stat.Panel(), asked, (query,), height)
    panel.reduce_options(_last())
    return panel.color_mode(looks.BigValueColorMode.VALUE).graph_mode(looks.BigValueGraphMode.AREA)


def trend(asked: Asked, *queries: Query, most: float | None = None) -> trends.Panel:
    """Lines over time. A limit is a dashed line."""
    panel = _over_time(asked, queries)
    panel.fill_opacity(0).line_width(2).span_nulls(False)
    if asked.limits:
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    return panel if most is None else panel.max(most)


def bars(asked: Asked, query: Query) -> trends.Panel:
    """How many in each window, one upon the other."""
    panel = _over_time(asked, (query,), step=WINDOW)
    panel.draw_style(looks.GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
    panel.decimals(0)
    return panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))


def compare(asked: Asked, query: Query, *, most: float | None = None, none: str = "") -> bargauge.Panel:
    """What is so now, a bar for each series."""
    panel = _new(bargauge.Panel(), asked, (query,), HEIGHT, instant=True)
    panel.reduce_options(_last())
    panel.orientation(looks.VizOrientation.HORIZONTAL).display_mode(looks.BarGaugeDisplayMode.BASIC).min(0)
    if most is not None:
        panel.max(most)
    return panel.no_value(none) if none else panel


def matrix(
    asked: Asked, query: Query, *, rows: str, columns: str, order: Sequence[str], limits: Mapping[str, Limits]
) -> table.Panel:
    """What is so now, by two labels. `order`: that of the columns, `limits`: of some of them."""
    panel = _new(table.Panel(), asked, (query,), HEIGHT, instant=True, form=PromQueryFormat.TABLE)
    corner = f"{rows}\\{columns}"
    places = {name: place for place, name in enumerate((corner, *order))}
    _transform(panel, "groupingToMatrix", columnField=columns, rowField=rows, valueField="Value", emptyValue="zero")
    _transform(panel, "organize", indexByName=places, renameByName={corner: rows})
    for column, steps in limits.items():
        colours = DynamicConfigValue("thresholds", {"mode": ThresholdsMode.ABSOLUTE, "steps": steps})
        panel.override_by_name(column, [colours])
    return panel.decimals(0).display_mode(looks.TableCellDisplayMode.COLOR_TEXT)


def listed(asked: Asked, queries: Sequence[Query], *, rows: str, hide: Sequence[str] = ()) -> table.Panel:
    """What is so now: a row for each value of a label, a column for each query, called by its legend."""
    panel = _new(table.Panel(), asked, queries, HEIGHT, instant=True, form=PromQueryFormat.TABLE)
    values = [f"Value #{_letter(number)}" for number in range(len(queries))]
    if len(queries) == 1:
        values = ["Value"]
    else:
        _transform(panel, "joinByField", byField=rows, mode="outer")
    times = ("Time", *(f"Time {number + 1}" for number in range(len(queries))))
    names = {value: query.legend for value, query in zip(values, queries, strict=True)}
    _transform(panel, "organize", excludeByName=dict.fromkeys((*times, *hide), True), renameByName=names)
    return panel.display_mode(looks.TableCellDisplayMode.COLOR_TEXT)


def states(asked: Asked, *queries: Query, names: dict[str, tuple[str, str]]) -> timeline.Panel:
    """What was so when. `names`: the text and the colour of each value."""
    panel = _new(timeline.Panel(), asked, queries, HEIGHT)
    panel.merge_values(True).show_value(looks.VisibilityMode.NEVER)
    texts = {value: ValueMappingResult(text, colour) for value, (text, colour) in names.items()}
    mappings: list[ValueMapping] = [ValueMap(texts)]
    return panel.mappings(mappings)


def spread(asked: Asked, query: Query) -> heatmap.Panel:
    """How observations spread over the buckets of a histogram."""
    panel = _new(heatmap.Panel(), asked, (query,), HEIGHT, form=PromQueryFormat.HEATMAP)
    panel.color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(32))
    return panel.y_axis(heatmap.YAxisConfig().unit(asked.unit))


def dashed(panel: trends.Panel, name: str) -> trends.Panel:
    """The same; the series whose names end so are in dashes."""
    style = DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]})
    return panel.with_override(MatcherConfig("byRegexp", f"/{name}$/"), [style])


def _transform(panel: table.Panel, name: str, **options: object) -> None:
    panel.with_transformation(DataTransformerConfig(id_val=name, options=options))


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _over_time(asked: Asked, queries: Sequence[Query], step: str = "") -> trends.Panel:
    panel = _new(trends.Panel(), asked, queries, HEIGHT, step=step)
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    panel.axis_soft_min(0)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(looks.LegendDisplayMode.LIST)
        .placement(looks.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    return panel.tooltip(
        common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    )


def _new(
    panel: P,
    asked: Asked,
    queries: Sequence[Query],
    height: int,
    *,
    instant: bool = False,
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
    step: str = "",
) -> P:
    panel.title(asked.title).description(asked.description).unit(asked.unit)
    panel.span(asked.width).height(height).datasource(DATASOURCE)
    colours = asked.limits or [Threshold(color=PLAIN)]
    panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(colours))
    for number, query in enumerate(queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(_letter(number))
        target.format(form).datasource(DATASOURCE)
        if step:
            target.interval(step)
        panel.with_target(target.instant() if instant else target.range())
    return panel


def _letter(number: int) -> str:
    return chr(ord("A") + number)
