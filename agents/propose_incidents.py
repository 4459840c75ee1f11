"""`mentions-routed`, `sla-events` -> `incident-inbox`: proposes conversations inside a spike that are about one thing.

What it knows it reads anew when it begins to lead: all proposals ever from `incidents`, spikes and mentions of the last
hours. A proposal that it makes again has the id that it had before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from agents.keep_policies import write_policy
from domain.incident_watch import KEPT_MS, TITLE_CHARACTERS, IncidentWatch, Seen
from domain.instants import to_ms
from domain.near_copies import sketch_of
from domain.policy import Policy
from domain.routing import event_time
from models.text import prepare
from schemas.cloudevents import headers_of
from schemas.codecs import UndecodableRecord, decode, encode, start_of
from schemas.ids import conversation_key, incident_key
from schemas.incident_records import IncidentChanged, IncidentProposed
from schemas.records import RoutedMention, SpikeDetected
from streams.leading import leading_stage, leads
from streams.reading import POLL_MS, POLL_RECORDS, reader
from streams.record_batches import Outbox, OutgoingRecord
from streams.stages import RunningStage, Stage
from streams.topics import INCIDENT_INBOX, INCIDENTS, MENTIONS_ROUTED, SLA_EVENTS
from streams.writing import write_outbox

STAGE: Final = "propose"
SOURCE: Final = f"/tenfour/{STAGE}"
LOOK_EVERY_S: Final = 2.0
_READ: Final = (start_of(RoutedMention), start_of(SpikeDetected), start_of(IncidentChanged))


def propose_stage(policy: Policy) -> Stage:
    """One process proposes: a brand's mentions are in all partitions."""

    async def lead(running: RunningStage) -> None:
        await write_policy(policy, running.settings, int(running.clock() * 1000))  # before a proposal names it
        await _lead(running, IncidentWatch(policy.incidents, policy.version))

    return leading_stage(STAGE, INCIDENTS, lead)


async def _lead(running: RunningStage, watch: IncidentWatch) -> None:
    """Proposes until another process leads: when all that is on the topics has been read, and now and then while more
    comes. What is too little then is looked at again with the next mention."""
    settings, looked = running.settings, 0.0
    topics = [INCIDENTS.name, MENTIONS_ROUTED.name, SLA_EVENTS.name]
    async with reader(settings.bootstrap, topics, from_start=True, gathered=True) as consumer:
        await _skip_to(consumer, int(running.clock() * 1000) - KEPT_MS)
        while leads(running):
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            for records in fetched.values():
                learn(watch, records)
            now = running.clock()
            if not fetched or now >= looked + LOOK_EVERY_S:
                looked = now
                outbox = proposals_outbox(watch.proposals(), settings.partitions, int(now * 1000))
                if outbox and running.producer is not None:
                    await write_outbox(running.producer, outbox)


async def _skip_to(consumer: AIOKafkaConsumer, since_ms: int) -> None:
    """Goes on with what was taken in since then; incidents are all read."""
    others = [tp for tp in consumer.assignment() if tp.topic != INCIDENTS.name]
    found = await consumer.offsets_for_times(dict.fromkeys(others, since_ms))
    for tp, place in found.items():
        if place is None:
            await consumer.seek_to_end(tp)
        else:
            consumer.seek(tp, place.offset)


def learn(watch: IncidentWatch, records: Sequence[ConsumerRecord]) -> None:
    """Records of one partition, in order; what a newer release writes is nothing to this one."""
    for record in records:
        if record.value is None or not record.value.startswith(_READ):
            continue
        try:
            found = decode(record.value)
        except UndecodableRecord:
            continue
        if isinstance(found, RoutedMention):
            watch.see(seen_in(found))
        elif isinstance(found, SpikeDetected):
            watch.hear_spike(found)
        elif isinstance(found, IncidentChanged):
            watch.hear_incident(found)


def seen_in(routed: RoutedMention) -> Seen:
    mention, text = routed.mention, prepare(routed.mention.text)
    return Seen(
        conversation=conversation_key(mention.brand, mention.channel, mention.thread),
        mention=mention.id,
        brand=mention.brand,
        type=routed.classification.type,
        sentiment=routed.classification.sentiment,
        posted=to_ms(event_time(mention)),
        text=text[:TITLE_CHARACTERS],
        sketch=sketch_of(text),
    )


def proposals_outbox(proposals: Sequence[IncidentProposed], partitions: int, now_ms: int) -> Outbox:
    """Each to the partition of its incident."""
    outbox = Outbox()
    for proposed in proposals:
        key = incident_key(proposed.incident).encode()
        record = OutgoingRecord(key, encode(proposed), headers_of(proposed, SOURCE), now_ms)
        outbox.to_key(INCIDENT_INBOX.name, key, partitions).append(record)
    return outbox
