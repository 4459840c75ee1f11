"""An incident on a real Kafka: stated once, its workers killed, each conversation answered once or skipped."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from domain.assigning import ADVISER
from domain.incidents import SPEAKER
from domain.mention_counts import brand_key
from schemas.codecs import encode
from schemas.desk_events import ReplyToPublish
from schemas.desk_records import Claim
from schemas.ids import derive_id, incident_key
from schemas.incident_records import ApproveStatement, Confirm, IncidentChanged, IncidentCommand, State
from schemas.records import AnyRecord, SpikeDetected, Tick
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import INCIDENT_INBOX, SLA_EVENTS
from streams.writing import new_producer, write_outbox
from tests.pipeline.harness import PARTITIONS, Outcome, Workers, outcome, run_pipeline, undisturbed
from tests.pipeline.test_assigning import people
from tests.pipeline.test_desk import LATER, command, write_inbox
from tests.pipeline.traffic import BRAND, EPOCH, complaint

STAGES = ("classify", "route", "desk", "incidents", "propose")
SPIKE = SpikeDetected(
    id=derive_id("spike", BRAND, "of the test"),
    brand=BRAND,
    type="customer_complaint",
    sentiment=None,
    window_start=EPOCH,
    window_end=EPOCH + timedelta(minutes=15),
    count=12,
    baseline=1.0,
    ratio=12.0,
    decided_at=EPOCH + timedelta(minutes=17),
    policy="0123456789abcdef",
)
STAFF = (
    {"id": SPEAKER, "name": "Answers incidents", "role": "spokesperson", "capacity": 0},
    {"id": ADVISER, "name": "Assigns owners", "role": "adviser"},
    {"id": "agent-1", "name": "Agent", "role": "agent"},
    {"id": "lead-1", "name": "Lead", "role": "lead"},
)
WAIT_S = 60


async def write(workers: Workers, topic: str, key: bytes, record: AnyRecord) -> None:
    producer, outbox = new_producer(workers.bootstrap), Outbox()
    outgoing = OutgoingRecord(key, encode(record), [], int(time.time() * 1000))
    outbox.to(topic, partition_of(key, PARTITIONS)).append(outgoing)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()


def changes(found: Outcome, *kinds: str) -> list[IncidentChanged]:
    told = [event for event in found.records["incidents"] if isinstance(event, IncidentChanged)]
    return [event for event in told if event.kind in kinds]


async def once(workers: Workers, seen: Callable[[Outcome], object]) -> Outcome:
    async with asyncio.timeout(WAIT_S):
        while not seen(found := await outcome(workers.bootstrap)):
            workers.keep_running()
            await asyncio.sleep(0.3)
    return found


async def decide(
    workers: Workers, incident: str, by: str, action: Confirm | State | ApproveStatement
) -> IncidentChanged:
    """The command, and what it was told."""
    id_ = derive_id("incident_command", incident, by, action.do)
    given = IncidentCommand(id=id_, incident=incident, by=by, sent_at=LATER, action=action)
    await write(workers, INCIDENT_INBOX.name, incident_key(incident).encode(), given)

    def answers(found: Outcome) -> Sequence[IncidentChanged]:
        return [event for event in changes(found, "confirmed", "stated", "approved", "refused") if event.cause == id_]

    (told,) = answers(await once(workers, answers))
    assert told.kind != "refused", told
    return told


async def test_one_statement_answers_each_conversation_once_though_workers_are_killed(
    workers: Workers, tmp_path: Path
) -> None:
    posts = [complaint(f"outage-{n}", EPOCH + timedelta(minutes=n)) for n in range(12)]
    await run_pipeline(workers, posts, undisturbed, stages=STAGES)
    people(workers, tmp_path, *STAFF)
    await write(workers, SLA_EVENTS.name, brand_key(BRAND), SPIKE)
    (proposed,) = changes(await once(workers, lambda found: changes(found, "proposed")), "proposed")
    assert proposed.all_members == 12
    taken = proposed.members[3].conversation
    await write_inbox(workers.bootstrap, [command(taken, "agent-1", Claim())])

    incident = proposed.incident
    await decide(workers, incident, "lead-1", Confirm())
    stated = await decide(workers, incident, "agent-1", State(text="We know, and are on it."))
    await decide(workers, incident, "lead-1", ApproveStatement(statement=stated.statement or ""))
    for name in ("desk", "incidents"):
        workers.kill(name)
        workers.start(name)
    await once(workers, lambda found: len(changes(found, "accepted", "skipped")) == 12)
    await write_inbox(workers.bootstrap, [(None, Tick(at=LATER + timedelta(minutes=1)))])
    ran = await once(workers, lambda found: len(changes(found, "answered", "skipped")) == 12)

    replies = [record for record in ran.records["desk-events"] if isinstance(record, ReplyToPublish)]
    answered = {member.conversation for member in proposed.members} - {taken}
    assert Counter(reply.conversation for reply in replies) == Counter(answered)
    (skipped,) = changes(ran, "skipped")
    assert (skipped.members[0].conversation, skipped.reason) == (
        taken, "claimed_by_other: agent-1 has claimed the conversation since",
    )  # fmt: skip
    assert ran.repeated("incidents") == []
    last = ran.records["incidents"][-1]
    assert isinstance(last, IncidentChanged)
    assert (last.answered, last.skipped, last.all_members) == (11, 1, 12)
