"""For those who run it: does every mention get through, how long does it take, and is the classifier sure?"""

from __future__ import annotations

from typing import Final

from deploy.grafana.board import Board, Row, among
from deploy.grafana.classifier import classifier
from deploy.grafana.panels import PER_SECOND, Asked, Panel, figure, trend, worse_above
from deploy.grafana.queries import Query, most, rate, total
from deploy.grafana.stages import LATENESS, amounts, delays

_STAGE: Final = 'stage=~"$stage"'
_MENTION: Final = 'type=~"$type", brand=~"$brand"'


def _through() -> list[Panel]:
    return [
        figure(
            Asked(
                "How many mentions are lost from sight?",
                "Taken in a while ago, with neither an owner nor an end. Normal: 0. Else `tenfour gaps` names them, "
                "and the lag below says which stage stands still.",
                "short",
                4,
                worse_above(1, 10),
            ),
            Query(most("tenfour_completeness_gaps")),
        ),
        figure(
            Asked(
                "How late is the clock?",
                "How far the latest partition's time is behind now: verdicts are as late. Normal: below 2 s. If it "
                "grows, `classify` writes no ticks, or `deadlines` does not keep up. In a replay the clock's time is "
                "the replay's.",
                "s",
                4,
                worse_above(5, 60),
            ),
            Query(f"max({LATENESS})"),
        ),
        figure(
            Asked(
                "How many cycles wait for a verdict?",
                "Open timers of all partitions, in the memory of `deadlines`. Normal: follows the number of open "
                "conversations. If it only grows, answers do not reach the log.",
                "short",
                4,
            ),
            Query(total("tenfour_open_timers")),
        ),
        figure(
            Asked(
                "How far behind is the slowest stage?",
                "How long ago the record was written that it acknowledged last, while others wait. Normal: below 1 s. "
                "If it grows for minutes, start another worker of that stage, or see why it stands still.",
                "s",
                4,
                worse_above(10, 120),
            ),
            Query(f"max(tenfour_lag_seconds{{{_STAGE}}})"),
        ),
        figure(
            Asked(
                "How many records could not be read?",
                "Dead letters within the time shown. Normal: 0. `tenfour tail dead-letters` shows them with their "
                "cause; mend the sender, or the stage, before they are many.",
                "short",
                4,
                worse_above(1, 100),
            ),
            Query("sum(increase(tenfour_dead_letters_total[$__range]))"),
        ),
        figure(
            Asked(
                "How many mentions a second?",
                "Classified, of the chosen types and brands. None while the gateway takes some in: `classify` does not "
                "run.",
                PER_SECOND,
                4,
            ),
            Query(f"sum(rate(tenfour_mentions_total{{{_MENTION}}}[$__rate_interval]))"),
        ),
    ]


def _wrong() -> list[Panel]:
    return [
        trend(
            Asked(
                "What could not be read, and where?",
                "Dead letters a second by stage and error. `UndecodableRecord`: a sender writes what is no record. "
                "`MisplacedRecord`: its key is not its conversation. `ValueError`: a brand that the policy does "
                "not have, or a field that can't be.",
                PER_SECOND,
                24,
            ),
            Query(rate("tenfour_dead_letters_total", "stage", "error", where=_STAGE), "{{stage}}: {{error}}"),
        ),
    ]


PIPELINE: Final = Board(
    name="pipeline",
    title="Tenfour: pipeline",
    description="Does every mention get through, how long does it take, and is the classifier sure?",
    past="1h",
    variables=[
        among("stage", "tenfour_events_total", "Stage"),
        among("type", "tenfour_mentions_total", "Type"),
        among("brand", "tenfour_mentions_total", "Brand"),
    ],
    rows=[
        Row("Does every mention get through?", _through()),
        Row("How long does it take?", delays()),
        Row("How much is it?", amounts()),
        Row("Is the classifier sure?", classifier()),
        Row("What went wrong?", _wrong()),
    ],
)
