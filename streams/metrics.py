"""Every metric of the product, in one place. A label's values are bounded: stages, partitions, types, kinds."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

EVENTS = Counter("tenfour_events_total", "Records handled by a stage and acknowledged.", ["stage"])
BATCH_RECORDS = Histogram("tenfour_batch_records", "Records in a batch.", ["stage"], buckets=_SIZES)
BATCH_SECONDS = Histogram(
    "tenfour_batch_seconds",
    "Seconds from a batch's start to its acknowledgement.",
    ["stage"],
    buckets=_SECONDS,
)
STAGE_DELAY = Histogram(
    "tenfour_delay_seconds",
    "Seconds from intake to the acknowledgement of a stage, by the oldest record of each batch.",
    ["stage"],
    buckets=_SECONDS,
)
LAG_RECORDS = Gauge(
    "tenfour_lag_records",
    "Records not yet acknowledged, as far as the last fetch knew.",
    ["stage", "partition"],
)
DEAD_LETTERS = Counter("tenfour_dead_letters_total", "Records written to dead-letters.", ["stage", "error"])
OPEN_TIMERS = Gauge("tenfour_open_timers", "Cycles without a verdict.", ["partition"])
LAST_TICK = Gauge(
    "tenfour_last_tick_timestamp_seconds",
    "The clock's time, in seconds since 1970: how far it is behind now is how late verdicts are.",
    ["partition"],
)
SLA_EVENTS = Counter("tenfour_sla_events_total", "Events written to sla-events.", ["kind", "target", "type"])
VERDICT_DELAY = Histogram(
    "tenfour_verdict_delay_seconds",
    "Seconds of log time from the due time to the tick that saw the breach.",
    buckets=_SECONDS,
)
DESK_ANSWERS = Counter("tenfour_desk_answers_total", "Commands answered by the desk.", ["action", "code"])
DESK_REPLIES = Counter("tenfour_desk_replies_total", "Replies handed on to be published.")
DESK_ESCALATIONS = Counter("tenfour_desk_escalations_total", "Steps of escalations.", ["trigger", "kind"])
ASSIGN_ANSWERS = Counter(
    "tenfour_assign_answers_total", "What the desk said to whom the adviser asked to take a conversation.", ["code"]
)
UNASSIGNED = Gauge(
    "tenfour_unassigned_conversations",
    "Conversations in which somebody waits that are nobody's, and that nobody is being asked to take; 0 where another "
    "process advises.",
)
INCIDENTS = Counter("tenfour_incidents_total", "What happened to incidents.", ["kind"])
PUBLISH_OUTCOMES = Counter("tenfour_publish_outcomes_total", "Replies by how their publishing ended.", ["result"])
PUBLISH_REQUESTS = Counter(
    "tenfour_publish_requests_total",
    "Requests to the channel: `post` or `look_up`, and the status, `none` where no answer came.",
    ["request", "status"],
)
PUBLISH_SECONDS = Histogram(
    "tenfour_publish_seconds",
    "Seconds from when a worker first has a reply to what came of it.",
    buckets=_SECONDS,
)
NOTIFICATIONS = Counter(
    "tenfour_notifications_total", "Steps of escalations that people were to be told of.", ["channel", "result"]
)
PROJECTED_ROWS = Counter("tenfour_projected_rows_total", "Rows written to the read model.", ["table"])
PROJECTION_LEFT_OUT = Counter(
    "tenfour_projection_left_out_total", "Records that the read model can't hold: their conversation's key is too long."
)
COMPLETENESS_GAPS = Gauge(
    "tenfour_completeness_gaps", "Mentions that were taken in a while ago and have neither an owner nor an end."
)
SPIKES = Counter("tenfour_spikes_total", "Spikes told.", ["type"])
OPEN_SPIKES = Gauge("tenfour_open_spikes", "Spikes told that have not calmed down.", ["partition"])
MODEL_SECONDS = Histogram(
    "tenfour_model_seconds", "Seconds of one model run, the second stage's included.", buckets=_SECONDS
)
MODEL_TEXTS = Counter("tenfour_model_texts_total", "Texts that the model scored.")
CLASSIFIER_MODE = Gauge(
    "tenfour_classifier_mode",
    "1 for how the classifier works now, 0 for the others: one_stage, two_stage, second_skipped (lag too high).",
    ["mode"],
)
TEXTS_READ_AGAIN = Counter("tenfour_texts_read_again_total", "Texts that the second model decided.")
GATEWAY_REQUESTS = Counter("tenfour_gateway_requests_total", "Requests to the HTTP gateway.", ["status"])
CONSOLE_REQUESTS = Counter("tenfour_console_requests_total", "Requests to the desk's API.", ["status"])
CONSOLE_COMMAND_SECONDS = Histogram(
    "tenfour_console_command_seconds",
    "Seconds from a command's request to its answer; of those that the desk did not answer in time, to the 202.",
    ["action"],
    buckets=_SECONDS,
)


def serve_metrics(port: int, host: str) -> None:
    """Serves /metrics in a thread of its own."""
    start_http_server(port, addr=host)
