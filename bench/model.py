"""`model`: what the stage around the model costs: the classify stage against the model alone, on the same texts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Final

from bench.contender import Race, run_race
from bench.feeding import fill, records_of
from bench.mention_variety import varied_mentions
from bench.report import Table
from bench.scratch_broker import Say, scratch_broker
from models.mention_model import MentionModel
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, MENTIONS_CLASSIFIED, apply_topics

PARTITIONS: Final = 4
SOURCE: Final = "bench-model"


@dataclass(frozen=True)
class Size:
    warm_up: int
    records: int
    rounds: int

    @property
    def total(self) -> int:
        return self.warm_up + self.records


FULL: Final = Size(512, 4_096, 3)
QUICK: Final = Size(256, 1_024, 1)


def bench_model(quick: bool, say: Say) -> Table:
    size, settings = QUICK if quick else FULL, Settings()
    with scratch_broker(say) as bootstrap:
        alone, stage, memory = asyncio.run(_compare(bootstrap, settings, size, say))
    share = median(stage) / median(alone)
    return Table(
        "model",
        "python -m bench model",
        [
            f"{size.records:,} mentions after {size.warm_up:,} to warm up, {size.rounds} rounds in turn; "
            f"model threads: {settings.model_threads}; {settings.classify_poll_records} records a poll, "
            f"{PARTITIONS} partitions.",
            "Alone: the same texts in the same order, as many a call as the stage's poll gives, without Kafka.",
            "Aimed at: at least 90 % of the model alone; memory of the worker at most 400 MB.",
        ],
        ("", "texts/s, median", "all runs", "of the model alone", "memory MB"),
        [
            ["the model alone", f"{median(alone):,.0f}", ", ".join(f"{rate:,.0f}" for rate in alone), "", ""],
            [
                "classify stage",
                f"{median(stage):,.0f}",
                ", ".join(f"{rate:,.0f}" for rate in stage),
                f"{share:.1%}",
                f"{median(memory):,.0f}",
            ],
        ],
    )


async def _compare(
    bootstrap: str, settings: Settings, size: Size, say: Say
) -> tuple[list[float], list[float], list[float]]:
    await apply_topics(bootstrap, partitions=PARTITIONS, replication=1, topics=[MENTIONS_CLASSIFIED, DEAD_LETTERS])
    await fill(bootstrap, SOURCE, PARTITIONS, records_of("model", size.total))
    calls = _calls(size, settings.classify_poll_records)
    race = Race("tenfour", bootstrap, SOURCE, PARTITIONS, "model", size.warm_up, size.records)
    alone, stage, memory = [], [], []
    for number in range(size.rounds):
        alone.append(_alone(settings, calls, size))
        say(f"round {number + 1}, the model alone: {alone[-1]:,.0f} texts/s")
        result = await run_race(race, f"tenfour-model-{number}")
        stage.append(result.per_second)
        memory.append(result.memory_mb)
        say(f"round {number + 1}, classify stage: {stage[-1]:,.0f} texts/s")
    return alone, stage, memory


def _calls(size: Size, texts_a_call: int) -> list[list[str]]:
    """The texts as the stage's polls find them: call by call, from each partition in turn."""
    texts = [mention.text for mention in islice(varied_mentions("bench"), size.total)]
    partitions = [texts[number::PARTITIONS] for number in range(PARTITIONS)]
    starts = range(0, len(partitions[0]), texts_a_call)
    return [texts[start : start + texts_a_call] for start in starts for texts in partitions]


def _alone(settings: Settings, calls: list[list[str]], size: Size) -> float:
    """Texts a second after the warm-up."""
    model = MentionModel.load(settings.model, threads=settings.model_threads)
    scored, began = 0, 0.0
    first = 0
    for texts in calls:
        if not began and scored >= size.warm_up:
            began, first = time.perf_counter(), scored
        scored += len(model.read(texts))
    return (scored - first) / (time.perf_counter() - began)
