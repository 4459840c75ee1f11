"""Every metric of the product, in one place: `docs/metrics.md` is made from it (`tenfour metrics --markdown`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from schemas.desk_events import ActionName, AnswerCode, EscalationKind, Trigger
from schemas.incident_records import IncidentKind
from schemas.record_fields import ClassifierMode, MentionType, MissCause, SlaTarget
from schemas.timer_records import SlaEventKind
from streams.metric_families import Catalogue, Declaration, Family, Label, of, up_to

CATALOGUE: Final = Catalogue()
_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
_LEFT = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 259_200, 604_800)
"""Seconds that may be left of a target: from a minute to a week."""
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)

STAGES: Final = (
    "classify",
    "route",
    "deadlines",
    "desk",
    "assign",
    "count",
    "spikes",
    "propose",
    "incidents",
    "project",
    "publish",
    "notify",
)
WITHIN: Final = ("overdue", "15m", "1h", "4h", "24h", "later")
"""How soon an open timer is due: each with what lies between it and the one before."""
REVIEW_REASONS: Final = ("doubtful", "language", "unreadable")

_STAGE = of("stage", STAGES)
_PARTITION = up_to("partition", 1000)
_TYPE = of("type", get_args(MentionType))
_TARGET = of("target", get_args(SlaTarget))
_STATUS = up_to("status", 40)
_ERROR = of("error", ("UndecodableRecord", "MisplacedRecord", "UnknownCalendar", "ValueError"))


def _counter(name: str, help_: str, unit: str) -> Counter:
    CATALOGUE.declare(Declaration(name, "counter", unit, (), help_))
    return Counter(name, help_, registry=CATALOGUE)


def _counters(name: str, help_: str, unit: str, labels: Sequence[Label]) -> Family[Counter]:
    CATALOGUE.declare(Declaration(name, "counter", unit, tuple(labels), help_))
    return Family(Counter(name, help_, _names(labels), registry=CATALOGUE), labels)


def _gauge(name: str, help_: str, unit: str) -> Gauge:
    CATALOGUE.declare(Declaration(name, "gauge", unit, (), help_))
    return Gauge(name, help_, registry=CATALOGUE)


def _gauges(name: str, help_: str, unit: str, labels: Sequence[Label]) -> Family[Gauge]:
    CATALOGUE.declare(Declaration(name, "gauge", unit, tuple(labels), help_))
    return Family(Gauge(name, help_, _names(labels), registry=CATALOGUE), labels)


def _histogram(name: str, help_: str, unit: str, buckets: Sequence[float]) -> Histogram:
    CATALOGUE.declare(Declaration(name, "histogram", unit, (), help_))
    return Histogram(name, help_, buckets=buckets, registry=CATALOGUE)


def _histograms(
    name: str, help_: str, unit: str, buckets: Sequence[float], labels: Sequence[Label]
) -> Family[Histogram]:
    CATALOGUE.declare(Declaration(name, "histogram", unit, tuple(labels), help_))
    return Family(Histogram(name, help_, _names(labels), buckets=buckets, registry=CATALOGUE), labels)


def _names(labels: Sequence[Label]) -> list[str]:
    return [label.name for label in labels]


BUILD_INFO = _gauges("tenfour_build_info", "1, with what runs here.", "1", [up_to("version", 1), up_to("python", 1)])
LOOP_DELAY = _histogram(
    "tenfour_event_loop_delay_seconds",
    "How much later than asked the event loop wakes a sleeper: what everything else in the process waits too.",
    "seconds",
    _SECONDS,
)
READY = _gauges(
    "tenfour_ready",
    "Whether the process does its work, by check: what /readyz says, at the last time that it was asked.",
    "1 or 0",
    [up_to("check", 40)],
)

EVENTS = _counters("tenfour_events_total", "Records handled by a stage and acknowledged.", "records", [_STAGE])
BATCH_RECORDS = _histograms("tenfour_batch_records", "Records in a batch.", "records", _SIZES, [_STAGE])
BATCH_SECONDS = _histograms(
    "tenfour_batch_seconds",
    "Seconds from a batch's start to its acknowledgement.",
    "seconds",
    _SECONDS,
    [_STAGE],
)
STAGE_DELAY = _histograms(
    "tenfour_delay_seconds",
    "Seconds from intake to the acknowledgement of a stage, by the oldest record of each batch.",
    "seconds",
    _SECONDS,
    [_STAGE],
)
LAG_RECORDS = _gauges(
    "tenfour_lag_records",
    "Records not yet acknowledged, as far as the last fetch knew.",
    "records",
    [_STAGE, _PARTITION],
)
LAG_SECONDS = _gauges(
    "tenfour_lag_seconds",
    "How long ago the record was written that was acknowledged last, where others wait behind it; else 0.",
    "seconds",
    [_STAGE, _PARTITION],
)
DEAD_LETTERS = _counters(
    "tenfour_dead_letters_total", "Records written to dead-letters, by what was wrong.", "records", [_STAGE, _ERROR]
)

MENTIONS = _counters(
    "tenfour_mentions_total",
    "Mentions classified; `mode` is how the classifier worked.",
    "mentions",
    [_TYPE, up_to("brand", 50), up_to("channel", 12), of("mode", get_args(ClassifierMode))],
)
CONFIDENCE = _histograms(
    "tenfour_confidence",
    "Calibrated probability of the type, by mention.",
    "share",
    _SHARES,
    [_TYPE],
)
SENT_TO_REVIEW = _counters(
    "tenfour_sent_to_review_total",
    "Mentions whose type the classifier doubts, by why; divided by tenfour_mentions_total, their share.",
    "mentions",
    [of("reason", REVIEW_REASONS)],
)
MODEL_SECONDS = _histogram(
    "tenfour_model_seconds", "Seconds of one model run, the second stage's included.", "seconds", _SECONDS
)
MODEL_TEXTS = _counter("tenfour_model_texts_total", "Texts that the model scored.", "texts")
CLASSIFIER_MODE = _gauges(
    "tenfour_classifier_mode",
    "1 for how the classifier works now, 0 for the others: one_stage, two_stage, second_skipped (lag too high).",
    "1 or 0",
    [of("mode", get_args(ClassifierMode))],
)
TEXTS_READ_AGAIN = _counter("tenfour_texts_read_again_total", "Texts that the second model decided.", "texts")

OPEN_TIMERS = _gauges("tenfour_open_timers", "Cycles without a verdict.", "cycles", [_PARTITION])
LAST_TICK = _gauges(
    "tenfour_last_tick_timestamp_seconds",
    "The clock's time, in seconds since 1970: how far it is behind now is how late verdicts are.",
    "seconds",
    [_PARTITION],
)
SLA_EVENTS = _counters(
    "tenfour_sla_events_total",
    "Events written to sla-events.",
    "events",
    [of("kind", get_args(SlaEventKind)), _TARGET, _TYPE],
)
BREACHES = _counters(
    "tenfour_breaches_total",
    "Targets missed, by the cause that the clock found; `unknown` where it found none.",
    "breaches",
    [_TARGET, of("cause", (*get_args(MissCause), "unknown"))],
)
VERDICT_DELAY = _histogram(
    "tenfour_verdict_delay_seconds",
    "Seconds of log time from the due time to the tick that saw the breach.",
    "seconds",
    _SECONDS,
)
TIME_LEFT = _histograms(
    "tenfour_time_left_seconds",
    "Seconds that were left of a target when it was met.",
    "seconds",
    _LEFT,
    [_TARGET],
)

DESK_ANSWERS = _counters(
    "tenfour_desk_answers_total",
    "Commands answered by the desk: of a claim, all codes but `accepted` refuse it.",
    "commands",
    [of("action", get_args(ActionName)), of("code", get_args(AnswerCode))],
)
DESK_REPLIES = _counter("tenfour_desk_replies_total", "Replies handed on to be published.", "replies")
DESK_ESCALATIONS = _counters(
    "tenfour_desk_escalations_total",
    "Steps of escalations.",
    "steps",
    [of("trigger", get_args(Trigger)), of("kind", get_args(EscalationKind))],
)
ASSIGN_ANSWERS = _counters(
    "tenfour_assign_answers_total",
    "What the desk said to whom the adviser asked to take a conversation.",
    "commands",
    [of("code", get_args(AnswerCode))],
)
UNASSIGNED = _gauge(
    "tenfour_unassigned_conversations",
    "Conversations in which somebody waits that are nobody's, and that nobody is being asked to take; 0 where another "
    "process advises.",
    "conversations",
)
INCIDENTS = _counters(
    "tenfour_incidents_total", "What happened to incidents.", "events", [of("kind", get_args(IncidentKind))]
)
SPIKES = _counters("tenfour_spikes_total", "Spikes told.", "spikes", [_TYPE])
OPEN_SPIKES = _gauges("tenfour_open_spikes", "Spikes told that have not calmed down.", "spikes", [_PARTITION])

PUBLISH_OUTCOMES = _counters(
    "tenfour_publish_outcomes_total",
    "Replies by how their publishing ended.",
    "replies",
    [of("result", ("published", "refused", "uncertain"))],
)
PUBLISH_REQUESTS = _counters(
    "tenfour_publish_requests_total",
    "Requests to the channel: `post` or `look_up`, and the status, `none` where no answer came.",
    "requests",
    [of("request", ("post", "look_up")), _STATUS],
)
PUBLISH_SECONDS = _histogram(
    "tenfour_publish_seconds",
    "Seconds from when a worker first has a reply to what came of it.",
    "seconds",
    _SECONDS,
)
NOTIFICATIONS = _counters(
    "tenfour_notifications_total",
    "Steps of escalations that people were to be told of.",
    "steps",
    [up_to("channel", 30), of("result", ("sent", "failed"))],
)

PROJECTED_ROWS = _counters(
    "tenfour_projected_rows_total", "Rows written to the read model.", "rows", [up_to("table", 40)]
)
PROJECTION_LEFT_OUT = _counter(
    "tenfour_projection_left_out_total",
    "Records that the read model can't hold: their conversation's key is too long.",
    "records",
)
COMPLETENESS_GAPS = _gauge(
    "tenfour_completeness_gaps",
    "Mentions that were taken in a while ago and have neither an owner nor an end.",
    "mentions",
)
TIMERS_DUE = _gauges(
    "tenfour_timers_due",
    "Open timers by how soon they are due, as the read model has them.",
    "timers",
    [_TARGET, of("within", WITHIN)],
)
IN_REVIEW = _gauge(
    "tenfour_in_review", "Open conversations with a mention that a person has to look at.", "conversations"
)
REVIEW_WAIT = _gauge(
    "tenfour_review_oldest_seconds", "How long the oldest of them has waited; 0 where there is none.", "seconds"
)
UNACKNOWLEDGED = _gauges(
    "tenfour_escalations_unacknowledged",
    "Escalations that nobody has accepted.",
    "escalations",
    [of("trigger", get_args(Trigger))],
)
UNACKNOWLEDGED_WAIT = _gauge(
    "tenfour_escalation_oldest_seconds", "How long the oldest of them has waited; 0 where there is none.", "seconds"
)

GATEWAY_REQUESTS = _counters("tenfour_gateway_requests_total", "Requests to the HTTP gateway.", "requests", [_STATUS])
CONSOLE_REQUESTS = _counters("tenfour_console_requests_total", "Requests to the desk's API.", "requests", [_STATUS])
CONSOLE_COMMAND_SECONDS = _histograms(
    "tenfour_console_command_seconds",
    "Seconds from a command's request to its answer; of those that the desk did not answer in time, to the 202.",
    "seconds",
    _SECONDS,
    [of("action", (*get_args(ActionName), "confirm", "dismiss", "state", "close"))],
)

for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=CATALOGUE)
