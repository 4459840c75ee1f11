"""A worker whose stateful stage sums the numbers of each key, and may die or freeze within a transaction."""

import argparse
import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.record_batches import Outbox, OutgoingRecord, RecordBatch
from streams.running import run_stages
from streams.settings import load_settings
from streams.stages import Stage, run
from streams.topics import Topic
from tests.streams.processes.quiet import quiet_libraries

NOTHING = b"nothing"
"""A value that changes no state and has no output."""
FORGET = b"forget"
"""A value that removes the key's sum."""
NEXT_OFFSET = b"next offset"
"""The state's own word of how far the partition has been folded."""


class SumRecords:
    """One output a number: its key, and the sum so far."""

    def __init__(self, partition: int, target: str, state: str) -> None:
        self._partition, self._target, self._state = partition, target, state
        self._sums: dict[bytes, int] = {}
        self._next_offset = self._timestamp = 0

    def restore(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._sums.pop(key, None)
        elif key == NEXT_OFFSET:
            self._next_offset = int(value)
        else:
            self._sums[key] = int(value)

    def restored(self) -> None:
        pass

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        changed = set()
        self._next_offset, self._timestamp = batch.next_offset, batch.records[-1].timestamp
        for record in batch.records:
            if record.key is None or record.value is None or record.value == NOTHING:
                continue
            changed.add(record.key)
            told = self._add(record.key, record.value)
            outbox.to(self._target, self._partition).append(OutgoingRecord(record.key, told, [], record.timestamp))
        for key in changed:
            sum_now = self._sums.get(key)
            self._keep(outbox, key, None if sum_now is None else b"%d" % sum_now)
        if changed:
            self.checkpoint(outbox)

    def given_up(self) -> None:
        """Nothing is shown of it."""

    def checkpoint(self, outbox: Outbox) -> None:
        self._keep(outbox, NEXT_OFFSET, b"%d" % self._next_offset)

    def _add(self, key: bytes, value: bytes) -> bytes:
        if value == FORGET:
            self._sums.pop(key, None)
            return FORGET
        self._sums[key] = self._sums.get(key, 0) + int(value)
        return b"%d" % self._sums[key]

    def _keep(self, outbox: Outbox, key: bytes, value: bytes | None) -> None:
        outbox.to(self._state, self._partition).append(OutgoingRecord(key, value, [], self._timestamp))


def strike(number: signal.Signals, moment: str, nth: int, struck: Path) -> None:
    """Sends this process the signal at the nth `moment` of a transaction, once: `struck` is the file that says so."""
    method, after = MOMENTS[moment]
    original: Callable[..., Any] = getattr(AIOKafkaProducer, method)
    calls = count(1)

    async def striking(producer: AIOKafkaProducer, *arguments: Any) -> None:
        is_due = next(calls) == nth and not struck.exists()
        if is_due:
            struck.touch()
        if is_due and not after:
            os.kill(os.getpid(), number)
        await original(producer, *arguments)
        if is_due and after:
            os.kill(os.getpid(), number)

    setattr(AIOKafkaProducer, method, striking)


MOMENTS = {
    "written": ("send_offsets_to_transaction", False),
    "with offsets": ("commit_transaction", False),
    "committed": ("commit_transaction", True),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--signal", type=lambda name: signal.Signals[name])
    parser.add_argument("--moment", choices=MOMENTS)
    parser.add_argument("--nth", type=int)
    parser.add_argument("--struck", type=Path)
    words = parser.parse_args()
    quiet_libraries()
    if words.signal is not None:
        strike(words.signal, words.moment, words.nth, words.struck)
    source, state = Topic(words.source, "a word", (), "a test", 1), Topic(words.state, "a word", (), "a test", None)
    stage = Stage(
        words.stage,
        source,
        new_fold=lambda partition: SumRecords(partition, words.target, words.state),
        state=state,
    )
    run(run_stages([stage], load_settings()))


if __name__ == "__main__":
    main()
