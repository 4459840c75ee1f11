"""How long each stage takes, and how much it does."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import PER_SECOND, Asked, Panel, compare, dashed, listed, trend, worse_above
from deploy.grafana.queries import Query, most, quantile, rate, total

_STAGE: Final = 'stage=~"$stage"'
_MENTION: Final = 'type=~"$type", brand=~"$brand"'
LATENESS: Final = "time() - max by (partition) (tenfour_last_tick_timestamp_seconds)"


def delays() -> list[Panel]:
    within = [
        Query(quantile(share, "tenfour_delay_seconds", "stage", where=_STAGE), legend)
        for share, legend in ((0.5, "half within"), (0.95, "95 % within"), (0.99, "99 % within"))
    ]
    return [
        listed(
            Asked(
                "How long until each stage is done?",
                "From intake to the stage's acknowledgement, by the oldest record of each batch. Normal: below 0.25 s "
                "for half, 1 s for 99 %. A stage waits for the one before it: mend the first that is slow.",
                "s",
                8,
                worse_above(1, 10),
            ),
            within,
            rows="stage",
        ),
        trend(
            Asked(
                "Does it take longer than before?",
                "99 % of batches are done within so long after intake. A rise in all stages from one on starts there; "
                "compare with its lag and its batches.",
                "s",
                8,
                worse_above(1, 10),
            ),
            Query(quantile(0.99, "tenfour_delay_seconds", "stage", where=_STAGE), "{{stage}}"),
        ),
        dashed(
            trend(
                Asked(
                    "How late are verdicts?",
                    "From the due time to the tick that saw the breach, in log time. Normal: as long as between two "
                    "ticks, 0.25 s. More: ticks are missing.",
                    "s",
                    8,
                    worse_above(1, 10),
                ),
                Query(quantile(0.5, "tenfour_verdict_delay_seconds"), "half within"),
                Query(quantile(0.99, "tenfour_verdict_delay_seconds"), "99 % within"),
            ),
            "99 % within",
        ),
        trend(
            Asked(
                "How many records wait for each stage?",
                "Not yet acknowledged, as far as the last fetch knew. Normal: rises with a burst, and falls at once. "
                "If one only rises, it can't keep up: start more workers of it, at most one a partition.",
                "short",
                8,
            ),
            Query(total("tenfour_lag_records", "stage", where=_STAGE), "{{stage}}"),
        ),
        trend(
            Asked(
                "How long have they waited?",
                "Lag in seconds, of the partition that is furthest behind. Normal: below 1 s. One stage that climbs a "
                "second a second stands still: read its log, and its readiness in Operations.",
                "s",
                8,
                worse_above(10, 120),
            ),
            Query(most("tenfour_lag_seconds", "stage", where=_STAGE), "{{stage}}"),
        ),
        trend(
            Asked(
                "How late is the clock of each partition?",
                "Now less the clock's time. Normal: below 2 s in all. One that climbs has no worker, or one that is "
                "stuck; all that climb have no ticks.",
                "s",
                8,
                worse_above(5, 60),
            ),
            Query(LATENESS, "partition {{partition}}"),
        ),
    ]


def amounts() -> list[Panel]:
    return [
        trend(
            Asked(
                "What comes in, by type?",
                "Mentions a second of the chosen brands. A new mixture without an event outside hints at the "
                "classifier: look at its confidence.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_mentions_total", "type", where=_MENTION), "{{type}}"),
        ),
        compare(
            Asked(
                "Which brands are talked to most?",
                "The ten with the most mentions a second now, of the chosen types.",
                PER_SECOND,
                8,
            ),
            Query(f"topk(10, {rate('tenfour_mentions_total', 'brand', where=_MENTION)})", "{{brand}}"),
        ),
        trend(
            Asked(
                "What comes in, by channel?",
                "Mentions a second. One that falls to nothing while the others go on: its connection to the gateway is "
                "broken.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_mentions_total", "channel", where=_MENTION), "{{channel}}"),
        ),
        trend(
            Asked(
                "How much does each stage do?",
                "Records a second, acknowledged, ticks included. Normal: in step with what comes in. A stage at 0 with "
                "a lag stands still.",
                PER_SECOND,
                8,
            ),
            Query(rate("tenfour_events_total", "stage", where=_STAGE), "{{stage}}"),
        ),
        dashed(
            trend(
                Asked(
                    "How large are its batches?",
                    "Records in a batch, the mean and, in dashes, 95 % of batches. Normal: small with little traffic. "
                    "Large ones are a backlog that is being worked off.",
                    "short",
                    8,
                ),
                Query(_mean("tenfour_batch_records"), "{{stage}}"),
                Query(quantile(0.95, "tenfour_batch_records", "stage", where=_STAGE), "{{stage}} 95 %"),
            ),
            "95 %",
        ),
        dashed(
            trend(
                Asked(
                    "How long does it take for a batch?",
                    "From its start to its acknowledgement, the mean and, in dashes, 95 % of batches. Normal: tens of "
                    "milliseconds. Much more in all stages: the broker is slow.",
                    "s",
                    8,
                    worse_above(1, 10),
                ),
                Query(_mean("tenfour_batch_seconds"), "{{stage}}"),
                Query(quantile(0.95, "tenfour_batch_seconds", "stage", where=_STAGE), "{{stage}} 95 %"),
            ),
            "95 %",
        ),
    ]


def _mean(histogram: str) -> str:
    count = rate(f"{histogram}_count", "stage", where=_STAGE)
    return f"{rate(f'{histogram}_sum', 'stage', where=_STAGE)} / {count}"
