"""Fixtures for tests of the transport."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.product_topics import kafka
from tests.streams.worker_process import Workers

__all__ = ["kafka", "workers"]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(tmp_path)
    yield workers
    workers.end()
