"""What a record batch and an outbox promise to the stages."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from streams.record_batches import BatchState, Outbox, OutgoingRecord, RecordBatch


@dataclass
class Received:
    offset: int
    topic: str = "topic"
    partition: int = 1
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 0


@pytest.fixture
def batch() -> RecordBatch:
    return RecordBatch("topic", 1, [Received(7), Received(8), Received(12)])


def test_reading_goes_on_after_the_last_record(batch: RecordBatch) -> None:
    assert batch.next_offset == 13


def test_a_batch_is_queued_then_started_then_acknowledged(batch: RecordBatch) -> None:
    states = [batch.state]
    assert batch.start()
    states.append(batch.state)
    batch.acknowledge()
    assert [*states, batch.state] == [BatchState.QUEUED, BatchState.STARTED, BatchState.ACKNOWLEDGED]


def test_a_batch_can_be_started_once(batch: RecordBatch) -> None:
    assert batch.start()
    assert not batch.start()


def test_a_dropped_batch_can_not_be_started(batch: RecordBatch) -> None:
    batch.drop()
    assert not batch.start()
    assert batch.state is BatchState.DROPPED


def test_a_started_batch_can_not_be_dropped(batch: RecordBatch) -> None:
    batch.start()
    batch.drop()
    assert batch.state is BatchState.STARTED


@pytest.mark.parametrize("close", [RecordBatch.acknowledge, RecordBatch.drop])
async def test_who_waits_for_a_batch_is_told_when_it_closes(batch: RecordBatch, close: object) -> None:
    told = []
    batch.on_close(lambda: told.append(batch.state))
    waiting = asyncio.create_task(batch.wait_closed())
    await asyncio.sleep(0)
    assert not waiting.done()
    close(batch)  # type: ignore[operator]
    await asyncio.wait_for(waiting, 1)
    assert told == [batch.state]


def test_an_outbox_keeps_the_order_of_each_partition() -> None:
    outbox = Outbox()
    for number in range(4):
        outbox.to("topic", number % 2).append(OutgoingRecord(None, b"%d" % number, [], 0))
    assert {target: [record.value for record in records] for target, records in outbox.groups.items()} == {
        ("topic", 0): [b"0", b"2"],
        ("topic", 1): [b"1", b"3"],
    }


def test_an_outbox_is_empty_until_something_is_in_it() -> None:
    outbox = Outbox()
    to = outbox.to("topic", 0)
    assert not outbox
    to.append(OutgoingRecord(None, None, [], 0))
    assert outbox
