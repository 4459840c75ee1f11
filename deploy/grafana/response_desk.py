"""For those who lead the desk: are promises kept, what comes due, why was it missed, who has to act."""

from __future__ import annotations

from typing import Final

from deploy.grafana.board import Board, Row, among, window
from deploy.grafana.panels import HEIGHT, PER_SECOND, Asked, Panel, bars, figure, worse_above
from deploy.grafana.promises import kept, missed
from deploy.grafana.queries import Query, many, total
from deploy.grafana.waiting import due

_OF_TYPE: Final = 'type=~"$type"'


def _work() -> list[Panel]:
    return [
        bars(
            Asked(
                "Do replies come out?",
                "What became of replies at the channel. Normal: `published` alone. `refused` is back with its author, "
                "who writes anew; `uncertain` needs somebody to look on the channel. None at all while people answer: "
                "`tenfour publish` does not run.",
                "short",
                8,
            ),
            Query(many("tenfour_publish_outcomes_total", "result"), "{{result}}"),
        ),
        bars(
            Asked(
                "Are people told of escalations?",
                "Steps of escalations by channel, and whether somebody was reached. Normal: `sent` alone. Where one "
                "failed nobody knows of it: tell them yourself, then mend the channel.",
                "short",
                8,
            ),
            Query(many("tenfour_notifications_total", "channel", "result"), "{{channel}}: {{result}}"),
        ),
        bars(
            Asked(
                "Why are claims refused?",
                "Claims that the desk did not accept, by code. Some `claimed_by_other` are normal: two people reached "
                "for one conversation. Many `not_allowed` or `unknown_person`: the people are not as they should be.",
                "short",
                8,
            ),
            Query(many("tenfour_desk_answers_total", "code", where='action="claim", code!="accepted"'), "{{code}}"),
        ),
    ]


def _events() -> list[Panel]:
    return [
        figure(
            Asked(
                "How many spikes are open?",
                "Brands and types with far more mentions than usual. Normal: 0. Else read the newest mentions of that "
                "type, and confirm or dismiss the incident that is proposed.",
                "short",
                4,
                worse_above(1, 5),
            ),
            Query(total("tenfour_open_spikes")),
            height=HEIGHT,
        ),
        figure(
            Asked(
                "How fast are mentions coming in?",
                "Of the chosen types, all brands. What is usual depends on the hour; compare with the same hour of "
                "other days.",
                PER_SECOND,
                4,
            ),
            Query(f"sum(rate(tenfour_mentions_total{{{_OF_TYPE}}}[$__rate_interval]))"),
            height=HEIGHT,
        ),
        bars(
            Asked(
                "Which types spiked?",
                "Spikes told, of the chosen types. A type that spikes often without an incident asks for another "
                "`ratio` or `min_count` in the policy.",
                "short",
                8,
            ),
            Query(many("tenfour_spikes_total", "type", where=_OF_TYPE), "{{type}}"),
        ),
        bars(
            Asked(
                "What happens to incidents?",
                "Steps of incidents: proposed by a spike, confirmed or dismissed by a person, stated, approved, and "
                "each conversation answered or skipped. `proposed` without `confirmed` or `dismissed`: decide. Many "
                "`skipped`: people had taken the conversations themselves.",
                "short",
                8,
            ),
            Query(many("tenfour_incidents_total", "kind"), "{{kind}}"),
        ),
    ]


RESPONSE_DESK: Final = Board(
    name="response-desk",
    title="Tenfour: response desk",
    description="Are promises kept, what comes due, why was it missed, and who has to act?",
    past="24h",
    variables=[among("type", "tenfour_sla_events_total", "Type"), window("1h")],
    rows=[
        Row("Are promises kept?", kept()),
        Row("What comes due, and who has to act?", due()),
        Row("Why was it missed?", missed()),
        Row("Does the desk's work get done?", _work()),
        Row("Does something happen out there?", _events()),
    ],
)
