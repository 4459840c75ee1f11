"""A real Kafka for tests: KAFKA_BOOTSTRAP, else a container where Docker answers, else the embedded one."""

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from streams.broker_folder import is_free
from streams.broker_jars import KAFKA
from streams.broker_probe import answering_cluster
from streams.broker_run import SMALL_KAFKA
from streams.embedded_broker import BrokerHandle, start_broker

HEAP_MB = 384
CONTAINER_START_S = 120
BrokerIn = Callable[..., BrokerHandle]


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address `host:port` of a Kafka that all tests share: give topics and groups names of their own."""
    with ExitStack() as stack:
        yield (
            os.environ.get("KAFKA_BOOTSTRAP")
            or _contained(stack)
            or stack.enter_context(start_broker(tmp_path_factory.mktemp("kafka"), heap_mb=HEAP_MB)).bootstrap
        )


@pytest.fixture
def broker_in() -> Iterator[BrokerIn]:
    """Starts embedded brokers, `broker_in(folder)`, for tests that stop or kill theirs; ends what is left."""
    with ExitStack() as stack:

        def start(folder: Path, **options: object) -> BrokerHandle:
            return stack.enter_context(start_broker(folder, **{"heap_mb": HEAP_MB, **options}))  # type: ignore[arg-type]

        yield start


def _contained(stack: ExitStack) -> str | None:
    """The address of a Kafka container for as long as the stack lives; None where Docker can't run one."""
    if not _docker_answers():
        return None
    try:
        return stack.enter_context(_kafka_container())
    except Exception as error:
        warnings.warn(f"Docker answers but runs no Kafka ({error}): using the embedded broker", stacklevel=1)
        return None


def _docker_answers() -> bool:
    with suppress(Exception):
        import docker  # type: ignore[import-untyped]

        return bool(docker.from_env(timeout=3).ping())
    return False


@contextmanager
def _kafka_container() -> Iterator[str]:
    """Kafka's own image in the embedded broker's version, with its settings."""
    from testcontainers.core.container import DockerContainer

    port = next(port for port in range(32_000, 32_700) if is_free(port))
    container = DockerContainer(f"apache/kafka:{KAFKA.rpartition(':')[2]}").with_bind_ports(9092, port)
    for name, value in _container_settings(port).items():
        container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    with container as running:
        address = f"{running.get_container_host_ip()}:{port}"
        _wait_for(address)
        yield address


def _container_settings(port: int) -> dict[str, str]:
    return {
        **SMALL_KAFKA,
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": "1@localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
        "advertised.listeners": f"PLAINTEXT://localhost:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + CONTAINER_START_S
    while answering_cluster(address) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer from {address} within {CONTAINER_START_S} s")
        time.sleep(0.2)
