"""A stateful stage's promises, on a real Kafka: what it shows is folded exactly once, whatever happens."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from streams.record_batches import RecordBatch
from streams.transactions import PartitionTransactions
from tests.streams.processes.sum_records import FORGET, MOMENTS, NEXT_OFFSET, NOTHING, SumRecords
from tests.streams.record_log import Feed, committed, grows, holds, numbered, read, size, write
from tests.streams.summing import Summing
from tests.streams.worker_process import Workers
from tests.streams.worker_relay import hand_over

pytestmark = pytest.mark.kafka


@pytest.fixture
async def summing(bootstrap: str, workers: Workers) -> Summing:
    return await Summing(bootstrap, workers).made()


async def test_a_death_within_a_transaction_shows_nothing_half_done(
    bootstrap: str, workers: Workers, tmp_path: Path
) -> None:
    async def die_and_start_again(moment: str) -> None:
        summing = await Summing(bootstrap, workers).made()
        await write(bootstrap, summing.source, numbered(range(4000)))
        dying = summing.start(signal="SIGKILL", moment=moment, nth=9, struck=tmp_path / moment)
        assert await dying.ended() == -signal.SIGKILL
        assert await size(bootstrap, summing.target) > 0
        summing.start()
        await summing.drained()
        assert await summing.told() == await summing.replayed(), moment

    await asyncio.gather(*(die_and_start_again(moment) for moment in MOMENTS))


async def test_a_kill_under_load_leaves_offsets_and_state_that_agree_and_costs_nothing(
    bootstrap: str, summing: Summing
) -> None:
    async with Feed(bootstrap, summing.source, per_second=1500):
        worker = summing.start()
        await grows(bootstrap, summing.target, by=random.Random(20).randrange(500, 2000))
        worker.kill()
        ends = await committed(bootstrap, summing.stage, summing.source)
        assert await summing.told() == await summing.replayed(ends)
        summing.start()
        await grows(bootstrap, summing.target)
    await summing.drained()
    assert await summing.told() == await summing.replayed()


async def test_workers_that_join_and_leave_show_everything_once(bootstrap: str, summing: Summing) -> None:
    await hand_over(summing, times=2)
    assert await summing.told() == await summing.replayed()


async def test_a_zombie_is_fenced_while_its_successor_goes_on(bootstrap: str, summing: Summing, tmp_path: Path) -> None:
    await write(bootstrap, summing.source, numbered(range(2000)))
    zombie = summing.start(signal="SIGSTOP", moment="written", nth=5, struck=tmp_path / "struck")
    await zombie.frozen()
    successor = summing.start()
    await summing.drained()
    zombie.send(signal.SIGCONT)
    assert await zombie.ended() == 70
    assert [line for line in zombie.errors() if "ProducerFenced" in line], zombie.errors()
    await write(bootstrap, summing.source, numbered(range(2000, 4000)))
    await summing.drained()
    assert successor.status is None
    assert await summing.told() == await summing.replayed()


async def test_sums_survive_a_restart_and_forgotten_ones_stay_forgotten(bootstrap: str, summing: Summing) -> None:
    await write(bootstrap, summing.source, numbered(range(1000)))
    await write(bootstrap, summing.source, [(b"key-1", FORGET), (b"key-2", FORGET), (b"key-2", b"5")])
    first = summing.start()
    await summing.drained()
    assert await first.stop() == 0
    assert not [key for told in (await summing.told()).values() for key in told.sums if key == b"key-1"]
    await write(bootstrap, summing.source, numbered(range(1000, 2000)))
    summing.start()
    await summing.drained()
    assert await summing.told() == await summing.replayed()


async def test_batches_that_change_nothing_are_committed_after_a_while_without_outputs(
    bootstrap: str, summing: Summing
) -> None:
    await write(bootstrap, summing.source, [(key, NOTHING) for key, _ in numbered(range(500))])
    summing.start()
    await summing.drained()
    assert await size(bootstrap, summing.target) == 0
    state = await read(bootstrap, summing.state)
    assert {record.key for records in state.values() for record in records} == {NEXT_OFFSET}
    told = {partition: int(records[-1].value) for partition, records in state.items()}
    assert told == await committed(bootstrap, summing.stage, summing.source)


async def test_giving_up_a_partition_in_the_middle_of_a_batch_commits_nothing_of_it(
    bootstrap: str, summing: Summing
) -> None:
    await write(bootstrap, summing.source, numbered(range(100), keys=1))
    partition, records = next((p, found) for p, found in (await read(bootstrap, summing.source)).items() if found)
    transactions = _transactions(summing)
    await transactions.take(partition)
    owned = transactions.owned[partition]

    async def stuck(*arguments: object) -> None:
        owned.producer.send_offsets_to_transaction = original
        await asyncio.Event().wait()

    original = owned.producer.send_offsets_to_transaction
    owned.producer.send_offsets_to_transaction = stuck
    batch = RecordBatch(summing.source.name, partition, records)
    process = asyncio.create_task(transactions.process(batch))
    await holds(bootstrap, summing.target, 1)
    process.cancel()
    await asyncio.wait([process])
    await transactions.give_up(partition)
    assert (await committed(bootstrap, summing.stage, summing.source))[partition] == 0
    assert await transactions.take(partition) == 0
    await transactions.process(batch)
    await transactions.give_up(partition)
    assert await summing.told() == await summing.replayed()


def _transactions(summing: Summing) -> PartitionTransactions:
    def new_fold(partition: int) -> SumRecords:
        return SumRecords(partition, summing.target.name, summing.state.name)

    return PartitionTransactions(
        summing.stage,
        f"tenfour-{summing.stage}",
        summing.bootstrap,
        summing.source.name,
        summing.state.name,
        new_fold,
        timeout_s=15.0,
    )
