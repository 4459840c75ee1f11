"""`tenfour sla recompute`: the policy as it is now, for cycles that run already."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from agents.keep_policies import write_policy
from agents.registry import load_policy
from domain.cycle_state import VERSION, Kind, decode_case
from domain.instants import from_ms
from domain.partition_states import TICK_KEY
from domain.policy import Policy
from domain.recompute import recomputed
from domain.state_head import check, kind_of, moment_of
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.records import TimerSupersede
from streams.reading import read_to_end
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings, load_settings
from streams.topics import DEADLINES_STATE, SLA_TIMER, require_topics
from streams.writing import new_producer, write_outbox
from tenfour.kafka import with_kafka
from tenfour.printing import print_json, print_table

SOURCE = "/tenfour/sla/recompute"
Partitioned = list[tuple[int, TimerSupersede]]


def recompute(
    reason: Annotated[str, typer.Option("--reason", help="Why; every event of it says so.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Supersede open cycles that an older policy decided; the time that has elapsed is carried over."""
    if not 0 < len(reason.strip()) <= 200:
        raise typer.BadParameter("--reason needs 1 to 200 characters")
    settings = load_settings()
    policy = load_policy(settings.policy)
    settings = with_kafka(settings)
    changes = asyncio.run(_recompute(settings, policy, reason.strip(), dry_run=dry_run))
    cycles = sum(len(change.targets) for _, change in changes)
    found = {"policy": policy.version, "mentions": len(changes), "cycles": cycles, "written": not dry_run}
    if json:
        print_json(found)
    else:
        print_table(list(found), [[str(value) for value in found.values()]])


async def _recompute(settings: Settings, policy: Policy, reason: str, *, dry_run: bool) -> Partitioned:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    changes = await _changes(settings, policy, reason)
    if changes and not dry_run:
        now = int(datetime.now(UTC).timestamp() * 1000)
        await write_policy(policy, settings, now)
        await _write(settings, changes, now)
    return changes


async def _changes(settings: Settings, policy: Policy, reason: str) -> Partitioned:
    """At the time of the partition's clock, which is that of the log and not of this machine."""
    states: dict[tuple[int, bytes], bytes] = {}
    async for record in read_to_end(settings.bootstrap, [DEADLINES_STATE.name]):
        if record.value is None:
            states.pop((record.partition, record.key), None)
        else:
            check(record.key, record.value, VERSION)
            states[(record.partition, record.key)] = record.value
    ticks = {partition: from_ms(moment_of(value)) for (partition, key), value in states.items() if key == TICK_KEY}
    return [
        (partition, change)
        for (partition, key), value in states.items()
        if kind_of(value) == Kind.CASE and partition in ticks
        for change in recomputed(key.decode(), decode_case(value), policy, ticks[partition], reason)
    ]


async def _write(settings: Settings, changes: Partitioned, now_ms: int) -> None:
    outbox = Outbox()
    for partition, change in changes:
        record = OutgoingRecord(change.conversation.encode(), encode(change), headers_of(change, SOURCE), now_ms)
        outbox.to(SLA_TIMER.name, partition).append(record)
    producer = new_producer(settings.bootstrap)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()
