"""Fixtures for tests of the transport."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.streams.worker_process import Workers


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(tmp_path)
    yield workers
    workers.end()
