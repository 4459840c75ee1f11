"""Whether targets are met, and why not."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import Asked, Panel, bars, compare, matrix, trend, worse_above, worse_below
from deploy.grafana.queries import WINDOW, Query, many, quantile

_OF_TYPE: Final = 'type=~"$type"'
_FIRST: Final = f'target="first_response", {_OF_TYPE}'
_SHARE: Final = worse_below(0.95, 0.9)
"""Below 95 % of the first responses in time somebody should ask why, below 90 % somebody should act."""
_VERDICTS: Final = ("met", "breached", "breach_corrected", "cancelled", "superseded")


def _in_time(*by: str) -> str:
    """A breach that was corrected was in time; what had no verdict yet is neither."""
    met = many("tenfour_sla_events_total", *by, where=f'kind=~"met|breach_corrected", {_FIRST}')
    judged = many("tenfour_sla_events_total", *by, where=f'kind=~"met|breached", {_FIRST}')
    return f"{met} / ({judged} > 0)"


def kept() -> list[Panel]:
    return [
        compare(
            Asked(
                "Which types are answered in time?",
                "Share of first responses within their target, of those that had a verdict in the window, and of all "
                "types together. Normal: 95 % and more. If one type is low, look below at why it was missed, and "
                "whether its team is on shift; if all are, at the pipeline's lag and clock.",
                "percentunit",
                8,
                _SHARE,
            ),
            Query(f'{_in_time("type")} or label_replace({_in_time()}, "type", "all types", "", "")', "{{type}}"),
            most=1,
            none="no verdict in the window",
        ),
        trend(
            Asked(
                "Do first responses in time become more or fewer?",
                "The same share over time; each point looks back over the window. A dip at shift changes or at night "
                "asks for people or for a calendar, a steady fall for fewer promises or more people.",
                "percentunit",
                8,
                _SHARE,
            ),
            Query(_in_time("type"), "{{type}}"),
            most=1,
        ),
        matrix(
            Asked(
                "How did targets end?",
                "Verdicts in the window, of the chosen types, by target. `superseded`: another type, team or policy "
                "holds now, and a new cycle goes on. Many `cancelled`: much is spam, or owed no answer. Many "
                "`breach_corrected`: replies reach the log late; ask who sends them.",
                "short",
                8,
            ),
            Query(
                many("tenfour_sla_events_total", "target", "kind", where=f'kind=~"{"|".join(_VERDICTS)}", {_OF_TYPE}')
            ),
            rows="target",
            columns="kind",
            order=_VERDICTS,
            limits={"breached": worse_above(1, 20)},
        ),
    ]


def missed() -> list[Panel]:
    return [
        bars(
            Asked(
                "Why were targets missed?",
                "Breaches of all targets by the cause that the clock found. `late_ingest`: came in after it was due, "
                "ask the channel. `waiting_for_review`, `waiting_for_approval`: leads are short. `out_of_capacity`: "
                "nobody of the team was on shift. `unassigned`: nobody took it. `owner_silent`: somebody did, in vain.",
                "short",
                8,
            ),
            Query(many("tenfour_breaches_total", "cause"), "{{cause}}"),
        ),
        bars(
            Asked(
                "Which targets were missed?",
                "Breaches by target. Those of `review`, `approval` and `escalation_ack` are the desk's own, and come "
                "before those that customers see: act on them.",
                "short",
                8,
            ),
            Query(many("tenfour_breaches_total", "target"), "{{target}}"),
        ),
        trend(
            Asked(
                "How close to the target do answers come?",
                "Time that was left when a target was met: half of the answers had more than the middle line of a "
                "target. If it falls towards 0, breaches follow: the desk is at its limit.",
                "s",
                8,
            ),
            Query(quantile(0.5, "tenfour_time_left_seconds", "target", over=WINDOW), "{{target}}"),
        ),
    ]
