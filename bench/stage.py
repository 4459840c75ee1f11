"""`stage`, `stage-small`: what the transport costs, without the model, against others in the same session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.contender import Race, RunResult, run_race
from bench.feeding import fill, records_of
from bench.report import Table
from bench.scratch_broker import Say, scratch_broker
from bench.work import WorkName
from streams.topics import DEAD_LETTERS, MENTIONS_CLASSIFIED, apply_topics

PARTITIONS: Final = 4
CONTENDERS: Final = (
    ("tenfour", "Tenfour's classify stage"),
    ("aiokafka", "aiokafka alone"),
    ("quixstreams", "Quix Streams"),
    ("faust", "Faust as it comes"),
)
SLOW: Final = "faust"
COLUMNS: Final = (
    "",
    "events/s, median",
    "all runs",
    "Tenfour is",
    "CPU µs an event",
    "memory MB",
    "last commit after s",
)


@dataclass(frozen=True)
class Size:
    """Records of a run, warm-up first; the slow contender gets its own, smaller topic."""

    warm_up: int
    records: int
    slow_warm_up: int
    slow_records: int
    rounds: int


FULL: Final = Size(40_000, 200_000, 2_000, 12_000, 3)
QUICK: Final = Size(4_000, 16_000, 500, 1_500, 1)


def bench_stage(work: WorkName, quick: bool, say: Say) -> Table:
    size = QUICK if quick else FULL
    with scratch_broker(say) as bootstrap:
        runs, width = asyncio.run(_compare(bootstrap, work, size, say))
    return _table(work, size, runs, width)


async def _compare(bootstrap: str, work: WorkName, size: Size, say: Say) -> tuple[dict[str, list[RunResult]], float]:
    await apply_topics(bootstrap, partitions=PARTITIONS, replication=1, topics=[MENTIONS_CLASSIFIED, DEAD_LETTERS])
    races = {name: _race(name, bootstrap, work, size) for name, _ in CONTENDERS}
    bytes_written = 0
    for race in (races["tenfour"], races[SLOW]):
        say(f"writing {race.total:,} records to {race.source}")
        bytes_written += await fill(bootstrap, race.source, PARTITIONS, records_of(work, race.total))
    runs: dict[str, list[RunResult]] = {name: [] for name in races}
    for number in range(size.rounds):
        for name, race in races.items():
            result = await run_race(race, f"tenfour-{name}-{work}-{number}")
            say(f"round {number + 1}, {name}: {result.per_second:,.0f} events/s")
            runs[name].append(result)
    return runs, bytes_written / (races["tenfour"].total + races[SLOW].total)


def _race(name: str, bootstrap: str, work: WorkName, size: Size) -> Race:
    slow = name == SLOW
    return Race(
        name,
        bootstrap,
        f"bench-{work}-{'few' if slow else 'many'}",
        PARTITIONS,
        work,
        size.slow_warm_up if slow else size.warm_up,
        size.slow_records if slow else size.records,
    )


def _table(work: WorkName, size: Size, runs: dict[str, list[RunResult]], width: float) -> Table:
    ours = _median([run.per_second for run in runs["tenfour"]])
    name = "stage" if work == "mention" else f"stage-{work}"
    return Table(
        name,
        f"python -m bench {name}",
        _notes(work, size, width),
        COLUMNS,
        [_row(title, runs[contender], ours) for contender, title in CONTENDERS],
    )


def _row(title: str, runs: Sequence[RunResult], ours: float) -> list[str]:
    rate = _median([run.per_second for run in runs])
    return [
        title,
        f"{rate:,.0f}",
        ", ".join(f"{run.per_second:,.0f}" for run in runs),
        f"{ours / rate:.2f} times as fast",
        f"{_median([run.cpu_us for run in runs]):.1f}",
        f"{_median([run.memory_mb for run in runs]):.0f}",
        f"{max(run.commit_after_s for run in runs):.1f}",
    ]


def _median(values: Sequence[float]) -> float:
    return median(values)


def _notes(work: WorkName, size: Size, width: float) -> list[str]:
    return [
        _WORK[work].format(width=width),
        f"One process each, {PARTITIONS} partitions read from their start, {size.rounds} rounds in turn. "
        f"{size.records:,} events are timed after {size.warm_up:,} to warm up (Faust: {size.slow_records:,} "
        f"after {size.slow_warm_up:,}).",
        "Timed by the end offsets of the topic written to, asked for every 50 ms; a run counts only if all records "
        "are written once and the offsets of all are committed.",
        "Aimed at: 40,000 events/s; 15 times Faust; 1.7 times Quix Streams.",
    ]


_WORK: Final = {
    "mention": "Work: decode and validate a mention ({width:.0f} bytes with its key), check its key, decide type and "
    "urgency from readings made beforehand, encode the classified mention, five headers.",
    "small": "Work: a JSON record of two fields in ({width:.0f} bytes with its key), one of two out, no headers.",
}
