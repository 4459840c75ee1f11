"""A stateful stage that sums the numbers of each key, its workers, and what it has to say."""

from typing import NamedTuple

from tests.streams.processes.sum_records import FORGET, NEXT_OFFSET, NOTHING
from tests.streams.record_log import Found, drained, make, new_topic, read, unique
from tests.streams.worker_process import Worker, Workers


class Told(NamedTuple):
    """What the stage shows of one partition."""

    outputs: list[tuple[bytes, bytes]]
    sums: dict[bytes, int]


class Summing:
    """Make it with `made`, then start workers."""

    def __init__(self, bootstrap: str, workers: Workers) -> None:
        self.bootstrap, self._workers = bootstrap, workers
        self.stage = unique("sum")
        self.source, self.target = new_topic("source"), new_topic("target")
        self.state = new_topic("state", compacted=True)

    async def made(self) -> "Summing":
        await make(self.bootstrap, self.source, self.target, self.state)
        return self

    def start(self, **arguments: object) -> Worker:
        """`arguments` are those of `processes/sum_records.py`."""
        topics = {"source": self.source.name, "target": self.target.name, "state": self.state.name}
        return self._workers.start(
            "sum_records",
            {"stage": self.stage} | topics | arguments,
            bootstrap=self.bootstrap,
            poll_records=200,
            commit_interval_s=0.3,
        )

    async def drained(self) -> None:
        await drained(self.bootstrap, self.stage, self.source)

    async def told(self) -> dict[int, Told]:
        """What the topics say, by partition."""
        target, state = await read(self.bootstrap, self.target), await read(self.bootstrap, self.state)
        return {
            partition: Told([(record.key, record.value) for record in records], _sums(state, partition))
            for partition, records in target.items()
        }

    async def replayed(self, ends: dict[int, int] | None = None) -> dict[int, Told]:
        """What they have to say, by partition, if the source is folded as far as `ends`, or whole."""
        source = await read(self.bootstrap, self.source)
        return {
            partition: _replay(
                [(found.key, found.value) for found in records if ends is None or found.offset < ends[partition]]
            )
            for partition, records in source.items()
        }


def _replay(records: list[tuple[bytes, bytes]]) -> Told:
    outputs, sums = [], dict[bytes, int]()
    for key, value in records:
        if value == FORGET:
            sums.pop(key, None)
            outputs.append((key, FORGET))
        elif value != NOTHING:
            sums[key] = sums.get(key, 0) + int(value)
            outputs.append((key, b"%d" % sums[key]))
    return Told(outputs, sums)


def _sums(state: Found, partition: int) -> dict[bytes, int]:
    last = {record.key: record.value for record in state[partition]}
    return {key: int(value) for key, value in last.items() if value is not None and key != NEXT_OFFSET}
