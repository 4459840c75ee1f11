"""`tenfour sla replay` on a real Kafka: equal to what was told, and loud where it is not."""

from __future__ import annotations

import json

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas.codecs import encode
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import SLA_EVENTS, SLA_TIMER
from streams.writing import new_producer, write_outbox
from tests.pipeline.harness import PARTITIONS, Workers, run_pipeline, undisturbed
from tests.pipeline.traffic import conversations, records
from tests.tenfour.command import Ended, tenfour


def sla_replay(workers: Workers, *options: str) -> Ended:
    return tenfour("sla", "replay", *options, TENFOUR_BOOTSTRAP=workers.bootstrap, TENFOUR_PARTITIONS=str(PARTITIONS))


async def test_the_log_says_what_was_told_until_an_event_is_forged_or_the_log_is_cut(workers: Workers) -> None:
    ran = await run_pipeline(workers, records(conversations(80, seed=5)), undisturbed)
    ended = sla_replay(workers, "--json")
    assert (ended.status, json.loads(ended.out)) == (
        0,
        {"equal": len(ran.events()), "different": 0, "not_comparable_cycles": 0, "differences": []},
    )

    await delete_oldest(workers.bootstrap)
    cut = json.loads(sla_replay(workers, "--json").out)
    assert (cut["different"], cut["differences"]) == (0, [])
    assert cut["not_comparable_cycles"] > 0
    assert 0 < cut["equal"] < len(ran.events())

    forged = next(event for event in ran.events() if event.kind == "met")
    partition = await write_event(workers, forged.conversation, encode(forged))
    ended = sla_replay(workers)
    assert ended.status == 1
    assert f"met of first_response, cycle {forged.cycle}, of {forged.conversation} was told 2 times" in ended.err
    assert partition < PARTITIONS


async def delete_oldest(bootstrap: str) -> None:
    """Cuts the log of timers in the middle, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        tps = [TopicPartition(SLA_TIMER.name, partition) for partition in range(PARTITIONS)]
        await admin.delete_records({tp: RecordsToDelete(before_offset=60) for tp in tps})
    finally:
        await admin.close()


async def write_event(workers: Workers, key: str, value: bytes) -> int:
    """Writes an event a second time, beside the stage."""
    from streams.partitions import partition_of

    partition = partition_of(key.encode(), PARTITIONS)
    producer = new_producer(workers.bootstrap)
    await producer.start()
    try:
        outbox = Outbox()
        outbox.to(SLA_EVENTS.name, partition).append(OutgoingRecord(key.encode(), value, [], 0))
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()
    return partition
