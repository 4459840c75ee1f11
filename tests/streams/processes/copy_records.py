"""A worker whose stateless stage copies numbers, and may be made to fail or to wait. Anything else is a dead letter."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox, OutgoingRecord, RecordBatch
from streams.running import run_stages
from streams.settings import load_settings
from streams.stages import Stage, run
from streams.topics import Topic
from tests.streams.processes.quiet import quiet_libraries


class CopyRecords:
    """Copies. Fails at the record `fail_at`, but not again when the file `failed` says that it has."""

    def __init__(self, stage: str, target: str, fail_at: bytes | None, failed: Path | None) -> None:
        self._stage, self._target = stage, target
        self._fail_at, self._failed = fail_at, failed

    async def decide(self, batch: RecordBatch) -> list[Outbox]:
        outbox = Outbox()
        to = outbox.to(self._target, batch.partition)
        for record in batch.records:
            self._maybe_fail(record.value)
            try:
                int(record.value or b"")
            except ValueError as error:
                add_dead_letter(outbox, self._stage, record, error)
            else:
                to.append(OutgoingRecord(record.key, record.value, list(record.headers), record.timestamp))
        return [outbox]

    def _maybe_fail(self, value: bytes | None) -> None:
        if value == self._fail_at and self._failed is not None and not self._failed.exists():
            self._failed.touch()
            raise ArithmeticError("this number\ndoes not add up")


def hold_writes(until: Path) -> None:
    """Writes wait for the file `until`; a first one leaves word in `<until>.waiting`."""
    original = AIOKafkaProducer.send_batch

    async def waiting(producer: AIOKafkaProducer, *arguments: Any, **options: Any) -> Any:
        until.with_suffix(".waiting").touch()
        while not until.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return await original(producer, *arguments, **options)

    AIOKafkaProducer.send_batch = waiting


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--fail-at", type=str.encode)
    parser.add_argument("--failed", type=Path)
    parser.add_argument("--hold-writes", type=Path)
    parser.add_argument("--wait", help="start only when standard input ends")
    words = parser.parse_args()
    quiet_libraries()
    if words.hold_writes is not None:
        hold_writes(words.hold_writes)
    if words.wait:
        sys.stdin.read()
    rule = CopyRecords(words.stage, words.target, words.fail_at, words.failed)
    stage = Stage(words.stage, Topic(words.source, "a word", (), "a test", 1), decide=rule.decide)
    run(run_stages([stage], load_settings()))


if __name__ == "__main__":
    main()
