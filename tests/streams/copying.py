"""A stateless stage that copies numbers from a topic to another, and its workers."""

from tests.streams.record_log import drained, make, new_topic, numbers, read, unique
from tests.streams.worker_process import Worker, Workers


class Copying:
    """Make it with `made`, then start workers."""

    def __init__(self, bootstrap: str, workers: Workers) -> None:
        self.bootstrap, self._workers = bootstrap, workers
        self.stage = unique("copy")
        self.source, self.target = new_topic("source"), new_topic("target")

    async def made(self) -> "Copying":
        await make(self.bootstrap, self.source, self.target)
        return self

    def start(self, **arguments: object) -> Worker:
        """`arguments` are those of `processes/copy_records.py`."""
        topics = {"stage": self.stage, "source": self.source.name, "target": self.target.name}
        return self._workers.start(
            "copy_records",
            topics | arguments,
            bootstrap=self.bootstrap,
            poll_records=200,
            commit_interval_s=0.3,
        )

    async def drained(self) -> None:
        await drained(self.bootstrap, self.stage, self.source)

    async def copied(self) -> list[int]:
        """The numbers in the target, sorted, repeats included."""
        return numbers(await read(self.bootstrap, self.target))
