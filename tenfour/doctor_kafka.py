"""Looks at the cluster for `tenfour doctor`. Nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from console.same_log import AnotherLog, require_same_log
from console.write_rows import Partition
from streams.consumer_groups import group_members
from streams.dead_letter_log import read_letters
from streams.newest_ticks import newest_ticks
from streams.progress import stage_lags
from streams.reading import reader
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, MENTIONS_RAW, SLA_TIMER, TOPICS, apply_topics, partition_counts
from tenfour.doctor_rules import (
    Finding,
    judge_brokers,
    judge_clock,
    judge_dead_letters,
    judge_skew,
    judge_stage,
    judge_topics,
    refused,
    skipped,
)
from tenfour.local_pipeline import sources
from tenfour.stage_status import together

ANSWER_S: Final = 20.0
"""Longest wait for what one check asks of the cluster."""
LISTEN_S: Final = 3.0
"""Longest wait for a tick to come: a dozen are due in it."""
LETTERS_HOURS: Final = 1
CHECKS: Final = ("replication", "topics", "database and log", "stages", "clock", "clock skew", "dead letters")
"""What can't be checked without a cluster."""


async def check_kafka(settings: Settings, read_to: Mapping[Partition, int] | None, lag_limit: int) -> list[Finding]:
    """`settings.bootstrap` answers. `read_to`: how far the database has read the log; None where that is unknown."""
    try:
        async with asyncio.timeout(ANSWER_S):
            counts = await partition_counts(settings.bootstrap)
            brokers = await _brokers(settings.bootstrap)
    except (KafkaError, TimeoutError) as error:
        return [_unanswered("broker", error), *skipped(CHECKS, "the cluster's brokers can't be reached")]
    found = Finding("broker", "ok", f"Kafka answers at {settings.bootstrap}")
    replication = judge_brokers(brokers, settings.replication)
    judged = await asyncio.gather(
        _within("topics", _topics(settings, counts, compared=replication.outcome == "ok")),
        _within("database and log", _same_log(settings, counts, read_to)),
        _within("stages", _stages(settings, counts, lag_limit)),
        _within("clock", _clock(settings, counts)),
        _within("dead letters", _dead_letters(settings, counts)),
    )
    return [found, replication, *[finding for findings in judged for finding in findings]]


async def _within(check: str, part: Awaitable[list[Finding]]) -> list[Finding]:
    """What the cluster refuses, or does not answer, is a fault of this check and of no other."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await part
    except (KafkaError, TimeoutError) as error:
        return [_unanswered(check, error)]


def _unanswered(check: str, error: Exception) -> Finding:
    what = f"no answer within {ANSWER_S:.0f} s" if isinstance(error, TimeoutError) else f"Kafka refused: {error}"
    return Finding(check, "fault", what, "see the broker's log; its advertised listeners must be reachable from here")


async def _brokers(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return len((await admin.describe_cluster())["brokers"])
    finally:
        await admin.close()


async def _topics(settings: Settings, counts: Mapping[str, int], *, compared: bool) -> list[Finding]:
    """`compared`: their settings too. Where no such replication is possible, all of them would differ."""
    present = [topic for topic in TOPICS if counts.get(topic.name) == settings.partitions]
    changes = []
    if compared:
        changes = await apply_topics(
            settings.bootstrap,
            partitions=settings.partitions,
            replication=settings.replication,
            topics=present,
            dry_run=True,
        )
    return judge_topics(TOPICS, counts, settings.partitions, changes)


async def _same_log(
    settings: Settings, counts: Mapping[str, int], read_to: Mapping[Partition, int] | None
) -> list[Finding]:
    if read_to is None:
        return skipped(["database and log"], "the database can't be read")
    try:
        require_same_log(read_to, await _ends(settings.bootstrap, {topic for topic, _ in read_to} & counts.keys()))
    except AnotherLog as error:
        return [refused("database and log", str(error), "`tenfour rebuild`")]
    return [Finding("database and log", "ok", "the database was made from this log")]


async def _ends(bootstrap: str, topics: set[str]) -> dict[Partition, int]:
    if not topics:
        return {}
    async with reader(bootstrap, topics, from_start=False) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}


async def _stages(settings: Settings, counts: Mapping[str, int], lag_limit: int) -> list[Finding]:
    known = sources(settings)
    missing = {stage: topic for stage, _, topic in known if topic not in counts}
    present = [source for source in known if source[0] not in missing]
    groups = {stage: group for stage, group, _ in present}
    lags = await stage_lags(settings.bootstrap, present)
    members = await group_members(settings.bootstrap, groups.values())
    statuses = together(lags, {stage: members[group] for stage, group in groups.items()})
    judged = [judge_stage(status, lag_limit, settings.partitions) for status in statuses]
    unknown = [
        Finding(f"stage {stage}", "skipped", f"its topic {topic} is missing") for stage, topic in missing.items()
    ]
    return judged + unknown


async def _clock(settings: Settings, counts: Mapping[str, int]) -> list[Finding]:
    topics = (MENTIONS_RAW.name, SLA_TIMER.name)
    if settings.ticks == "replay":
        return skipped(["clock", "clock skew"], "TENFOUR_TICKS is replay: the replay writes the time")
    if missing := [topic for topic in topics if topic not in counts]:
        return skipped(["clock", "clock skew"], f"{', '.join(missing)} is missing")
    raw = await newest_ticks(settings.bootstrap, MENTIONS_RAW.name, time.time, listen_s=LISTEN_S)
    timer = await newest_ticks(settings.bootstrap, SLA_TIMER.name, time.time)
    return [*map(judge_clock, topics, (raw, timer)), judge_skew(raw)]


async def _dead_letters(settings: Settings, counts: Mapping[str, int]) -> list[Finding]:
    if DEAD_LETTERS.name not in counts:
        return skipped(["dead letters"], f"{DEAD_LETTERS.name} is missing")
    since = int((time.time() - LETTERS_HOURS * 3600) * 1000)
    by_error = Counter([found.letter.error async for found in read_letters(settings.bootstrap, since)])
    return [judge_dead_letters(by_error, LETTERS_HOURS)]
