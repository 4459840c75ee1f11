"""A Kafka and workers of their own for each test: the pipeline's topics and groups have fixed names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded_broker import BrokerHandle
from tests.kafka_broker import BrokerIn
from tests.pipeline.harness import Workers


@pytest.fixture
def own_broker(tmp_path: Path, broker_in: BrokerIn) -> BrokerHandle:
    return broker_in(tmp_path / "kafka")


@pytest.fixture
def workers(tmp_path: Path, own_broker: BrokerHandle) -> Iterator[Workers]:
    workers = Workers(own_broker.bootstrap, tmp_path)
    yield workers
    workers.kill_all()
