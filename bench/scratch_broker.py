"""A Kafka for one benchmark: KAFKA_BOOTSTRAP, else an embedded one that leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.embedded_broker import start_broker

Say = Callable[[str], None]


@contextmanager
def scratch_broker(say: Say) -> Iterator[str]:
    """The address `host:port`."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    with own_broker(say) as bootstrap:
        yield bootstrap


@contextmanager
def own_broker(say: Say) -> Iterator[str]:
    """The address of one that nobody has used before, for what counts from the first offset."""
    with (
        tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder,
        start_broker(Path(folder), progress=say) as broker,
    ):
        yield broker.bootstrap
