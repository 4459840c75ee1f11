"""Whether the processes are up, and have enough of the machine."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import PER_SECOND, Asked, Panel, figure, listed, states, trend, worse_above
from deploy.grafana.queries import Query, quantile, rate

_PROCESS: Final = 'process=~"$process"'
_NAME: Final = "{{process}} {{instance}}"
_EACH: Final = ("process", "instance")


def up() -> list[Panel]:
    return [
        figure(
            Asked(
                "How many processes do not answer?",
                "Whose metrics Prometheus can't read. Normal: 0. Else see which below, and read its log: "
                "`docker compose logs`, or `kubectl logs --previous`.",
                "short",
                8,
                worse_above(1, 3),
            ),
            Query(f"count(up{{{_PROCESS}}}) - sum(up{{{_PROCESS}}})"),
        ),
        figure(
            Asked(
                "How many checks fail?",
                "Of readiness, of all processes. Normal: 0, but while something starts. `/readyz` of the process says "
                "why.",
                "short",
                8,
                worse_above(1, 5),
            ),
            Query(f"count(tenfour_ready{{{_PROCESS}}}) - sum(tenfour_ready{{{_PROCESS}}})"),
        ),
        figure(
            Asked(
                "How often did processes start again?",
                "Within the time shown. Normal: 0, or once each for a new release. A process that does so again and "
                "again says why in the last lines of its log.",
                "short",
                8,
                worse_above(1, 10),
            ),
            Query(f"sum(changes(process_start_time_seconds{{{_PROCESS}}}[$__range]))"),
        ),
        states(
            Asked(
                "What was not ready, and when?",
                "Each check of each process, at most ten seconds old. A stage is not ready while Kafka does not "
                "answer, its partitions are being handed over, or it does not get on; the clock, while it does not "
                "tick.",
                "short",
                12,
            ),
            Query(f"min by (process, check) (tenfour_ready{{{_PROCESS}}})", "{{process}}: {{check}}"),
            names={"0": ("not ready", "red"), "1": ("ready", "green")},
        ),
        listed(
            Asked(
                "What runs, and since when?",
                "Release and Python of each process, and how long it has run. More than one version for longer than a "
                "rolling restart: some were not replaced.",
                "s",
                12,
            ),
            [
                Query(
                    f"(time() - process_start_time_seconds{{{_PROCESS}}})"
                    f" * on (process, instance) group_left (version, python) tenfour_build_info{{{_PROCESS}}}",
                    "runs for",
                )
            ],
            rows="process",
            hide=("job",),
        ),
    ]


def machine() -> list[Panel]:
    return [
        trend(
            Asked(
                "Does something hold up the event loops?",
                "How much later than asked a sleeper wakes, of 99 %: all else in the process waits as long. Normal: "
                "below 0.05 s. More: the process works too much at once, or the machine gives it too little processor.",
                "s",
                8,
                worse_above(0.1, 1),
            ),
            Query(quantile(0.99, "tenfour_event_loop_delay_seconds", *_EACH, where=_PROCESS), _NAME),
        ),
        trend(
            Asked(
                "Who uses the processors?",
                "Processors in use by each process, 1 for one whole. Normal: `classify` most, up to its model's "
                "threads; the others below 0.5. At its limit a stage falls behind: see its lag in Pipeline.",
                "short",
                8,
            ),
            Query(rate("process_cpu_seconds_total", *_EACH, where=_PROCESS), _NAME),
        ),
        trend(
            Asked(
                "Who uses the memory?",
                "Resident memory. Normal: level after a while; `deadlines` grows with the open timers and the closed "
                "cycles of eight days. One that only grows is ended by its limit: compare with the container's.",
                "bytes",
                8,
            ),
            Query(f"process_resident_memory_bytes{{{_PROCESS}}}", _NAME),
        ),
        trend(
            Asked(
                "Do they run out of files?",
                "Open file descriptors, sockets among them, as a share of the most that are allowed. Normal: below "
                "0.1, level. One that rises for hours leaks: restart it, and keep its log.",
                "percentunit",
                8,
                worse_above(0.5, 0.8),
            ),
            Query(f"process_open_fds{{{_PROCESS}}} / process_max_fds{{{_PROCESS}}}", _NAME),
        ),
        trend(
            Asked(
                "When were they started again?",
                "Restarts within five minutes. Normal: none but at a release. Several of one process: it ends by "
                "itself; of all: the machine or the broker.",
                "short",
                8,
                worse_above(1, 3),
            ),
            Query(f"changes(process_start_time_seconds{{{_PROCESS}}}[5m])", _NAME),
        ),
        trend(
            Asked(
                "How often is all of the memory searched for garbage?",
                "Collections of the oldest generation, a second. Normal: almost none: they are seldom on purpose. "
                "If many, expect pauses in the event loop's delay.",
                PER_SECOND,
                8,
            ),
            Query(rate("python_gc_collections_total", *_EACH, where=f'{_PROCESS}, generation="2"'), _NAME),
        ),
    ]
