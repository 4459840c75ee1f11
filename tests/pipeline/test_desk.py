"""The desk on a real Kafka: people race, the worker is killed, and no message is answered twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from schemas.codecs import encode
from schemas.desk_events import ConversationChanged, DeskAnswer, EscalationChanged, ReplyToPublish
from schemas.desk_records import Action, Claim, DeskCommand, DeskInbound, Person, Reply
from schemas.ids import derive_id
from schemas.records import AnyRecord, DeadLetter, SlaEvent, Tick, TimerOwner
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import DESK_INBOX
from streams.writing import new_producer, write_outbox
from tests.pipeline.harness import PARTITIONS, Workers, run_pipeline, undisturbed
from tests.pipeline.traffic import conversations, records

DESK_STAGES = ("classify", "route", "deadlines", "desk")
PEOPLE = [Person(id=f"agent-{n}", name=f"Agent {n}", role="agent") for n in range(5)]
LATER = datetime(2026, 3, 4, 12, tzinfo=UTC)
"""After all that the traffic holds, and all deadlines in it."""


async def write_inbox(bootstrap: str, entries: Sequence[tuple[str | None, AnyRecord]]) -> None:
    """Records by their conversation; those without go to every partition."""
    producer, outbox, now = new_producer(bootstrap), Outbox(), int(time.time() * 1000)
    for key, record in entries:
        found = range(PARTITIONS) if key is None else [partition_of(key.encode(), PARTITIONS)]
        for partition in found:
            outgoing = OutgoingRecord(None if key is None else key.encode(), encode(record), [], now)
            outbox.to(DESK_INBOX.name, partition).append(outgoing)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()


def command(conversation: str, by: str, action: Action, number: int = 0) -> tuple[str, DeskCommand]:
    id_ = derive_id("desk_command", conversation, by, action.do, str(number))
    return conversation, DeskCommand(id=id_, conversation=conversation, by=by, sent_at=LATER, action=action)


def race(inbounds: Sequence[DeskInbound]) -> list[tuple[str | None, AnyRecord]]:
    """Everybody claims every conversation and answers with the token that they would have got, twice over."""
    entries: list[tuple[str | None, AnyRecord]] = []
    for inbound in inbounds:
        for number in range(2):
            for person in PEOPLE:
                claim = command(inbound.conversation, person.id, Claim())
                token = derive_id("claim_token", claim[1].id)
                reply = Reply(token=token, last_inbound=inbound.mention, text=f"{person.name} is on it.")
                entries += [claim, command(inbound.conversation, person.id, reply, number)]
    return entries


async def test_people_race_the_worker_is_killed_and_each_message_has_one_answer(workers: Workers) -> None:
    traffic = [found for found in conversations(120, seed=11) if found.answered_after is None]
    first = await run_pipeline(workers, records(traffic), undisturbed, stages=DESK_STAGES)
    inbounds = [record for record in first.records["desk-inbox"] if isinstance(record, DeskInbound)]
    assert {inbound.conversation for inbound in inbounds} == {found.key for found in traffic}

    entries = race([inbound for inbound in inbounds if not inbound.needs_review])
    half = len(entries) // 2

    async def kill(workers: Workers) -> None:
        await write_inbox(workers.bootstrap, [(None, person) for person in PEOPLE])
        await write_inbox(workers.bootstrap, entries[:half])
        await asyncio.sleep(0.5)
        workers.kill("desk")
        workers.start("desk")
        await write_inbox(workers.bootstrap, entries[half:])
        await asyncio.sleep(1)
        workers.kill("desk")
        workers.start("desk")
        await write_inbox(workers.bootstrap, [(None, Tick(at=LATER + timedelta(minutes=1)))])

    ran = await run_pipeline(workers, [], kill, stages=DESK_STAGES)
    replies = [record for record in ran.records["desk-events"] if isinstance(record, ReplyToPublish)]
    answered = Counter(reply.conversation for reply in replies)
    assert answered == Counter({conversation for conversation, _ in entries if conversation is not None})
    answers = [record for record in ran.records["desk-events"] if isinstance(record, DeskAnswer)]
    assert len(answers) == len(entries)
    by_command: dict[str, DeskAnswer] = {}
    assert all(by_command.setdefault(answer.command, answer) == answer for answer in answers)
    assert ran.repeated("sla-timer") == []
    owners = [record for record in ran.records["sla-timer"] if isinstance(record, TimerOwner)]
    assert {owner.conversation for owner in owners} == set(answered)


async def test_a_breach_reaches_a_lead_through_the_desk(workers: Workers) -> None:
    traffic = [found for found in conversations(40, seed=12) if found.answered_after is None]
    ran = await run_pipeline(workers, records(traffic), undisturbed, stages=DESK_STAGES)
    breached = [e for e in ran.records["desk-inbox"] if isinstance(e, SlaEvent) and e.kind == "breached"]
    told = [record for record in ran.records["desk-events"] if isinstance(record, EscalationChanged)]
    assert {event.conversation for event in breached} == {found.key for found in traffic}
    assert {event.conversation for event in told if event.trigger == "breached"} == {found.key for found in traffic}
    opened = [e for e in ran.records["desk-events"] if isinstance(e, ConversationChanged) and e.kind == "opened"]
    assert all(event.queue for event in opened)
    assert len(opened) == len(traffic)


async def test_what_the_desk_cannot_read_becomes_a_dead_letter_and_the_rest_goes_on(workers: Workers) -> None:
    traffic = conversations(1, seed=13)
    key = traffic[0].key

    async def misplace(workers: Workers) -> None:
        _, claim = command("Another:twitter:1", "agent-0", Claim())
        await write_inbox(workers.bootstrap, [(key, claim), (None, PEOPLE[0]), command(key, "agent-0", Claim(), 1)])

    ran = await run_pipeline(workers, records(traffic), misplace, stages=DESK_STAGES)
    letters = [record for record in ran.records["dead-letters"] if isinstance(record, DeadLetter)]
    assert [(letter.stage, letter.error) for letter in letters] == [("desk", "MisplacedRecord")]
    answers = [record for record in ran.records["desk-events"] if isinstance(record, DeskAnswer)]
    assert len(answers) == 1
