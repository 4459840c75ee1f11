"""For those on call: is everything up, has it enough of the machine, do callers get answers?"""

from __future__ import annotations

from typing import Final

from deploy.grafana.board import Board, Row, among
from deploy.grafana.panels import PER_SECOND, Asked, Panel, dashed, trend, worse_above
from deploy.grafana.processes import machine, up
from deploy.grafana.queries import Query, quantile, rate


def _callers() -> list[Panel]:
    return [
        trend(
            Asked(
                "Does the gateway answer those who send?",
                "Requests a second by status. Normal: 202. 401 and 422 are the sender's mistake: its token, or what it "
                "sends. 503: Kafka takes nothing, and the sender tries again.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_gateway_requests_total", "status"), "{{status}}"),
        ),
        trend(
            Asked(
                "Does the desk's API answer people?",
                "Requests a second by status. Normal: 200. 202: the desk did not answer in time, see its lag. 409: the "
                "desk refused, such as since somebody was faster. 429: a program asks too often. 503: the database or "
                "Kafka does not answer.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_console_requests_total", "status"), "{{status}}"),
        ),
        trend(
            Asked(
                "How long do commands take?",
                "From a command's request to its answer, of 95 %, by what was asked for. Normal: below 0.5 s. At the "
                "longest that the API waits, people get a 202 and have to look again: see the desk stage's lag.",
                "s",
                8,
                worse_above(1, 5),
            ),
            Query(quantile(0.95, "tenfour_console_command_seconds", "action"), "{{action}}"),
        ),
    ]


def _outside() -> list[Panel]:
    return [
        trend(
            Asked(
                "Does the read model keep up?",
                "Rows written a second by table; lists of the desk are as old as the lag of `project` in Pipeline. "
                "Normal: in step with the traffic. None with a lag: the database does not answer.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_projected_rows_total", "table"), "{{table}}"),
        ),
        trend(
            Asked(
                "Does the channel take replies?",
                "Requests to the channel a second, by what was asked and the status. Normal: `post` 2xx. Many "
                "`look_up`, `none` or 5xx: the channel is in trouble, replies wait; 401 and 403: renew the token.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_publish_requests_total", "request", "status"), "{{request}}: {{status}}"),
        ),
        dashed(
            trend(
                Asked(
                    "How long until a reply is public?",
                    "From when a worker has it to what came of it. Normal: below 2 s for 99 %. More: the channel is "
                    "slow, or is asked again and again.",
                    "s",
                    8,
                    worse_above(10, 300),
                ),
                Query(quantile(0.5, "tenfour_publish_seconds"), "half within"),
                Query(quantile(0.99, "tenfour_publish_seconds"), "99 % within"),
            ),
            "99 % within",
        ),
    ]


OPERATIONS: Final = Board(
    name="operations",
    title="Tenfour: operations",
    description="Is everything up, has it enough of the machine, and do callers get answers?",
    past="1h",
    variables=[among("process", "tenfour_build_info", "Process")],
    rows=[
        Row("Is everything up?", up()),
        Row("Have they enough of the machine?", machine()),
        Row("Do callers get answers?", _callers()),
        Row("Does it reach the desk and the channel?", _outside()),
    ],
)
