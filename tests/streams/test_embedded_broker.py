"""The embedded broker's promises, each on a real Kafka."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.broker_folder import BrokerFolder, BrokerState, choose_ports
from streams.broker_jars import PinnedJar, default_cache, fetch_jars, read_pins
from streams.embedded_broker import (
    BrokerError,
    BrokerHandle,
    BrokerRunning,
    broker_status,
    start_broker,
    stop_broker,
)
from tests.kafka_broker import BrokerIn

pytestmark = pytest.mark.kafka
PATIENCE_S = 30


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


async def write(bootstrap: str, topic: str, *values: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        return [bytes((await consumer.getone()).value) for _ in range(count)]


def owner_process(script: str, folder: Path, **environ: str) -> "subprocess.Popen[str]":
    """A Python process of its own that has `folder` and everything of the embedded broker at hand."""
    prelude = f"from pathlib import Path\nfrom streams.embedded_broker import *\nfolder = Path({str(folder)!r})\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
    )


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_what_was_written_is_there_after_a_restart_in_the_same_cluster_at_the_same_address(
    tmp_path: Path, broker_in: BrokerIn
) -> None:
    first = broker_in(tmp_path)
    cluster = BrokerFolder(tmp_path).cluster_id()
    await write(first.bootstrap, "kept", b"one", b"two")
    first.stop()
    second = broker_in(tmp_path)
    assert await read(second.bootstrap, "kept", 2) == [b"one", b"two"]
    assert (second.bootstrap, BrokerFolder(tmp_path).cluster_id()) == (first.bootstrap, cluster)


async def test_a_killed_broker_leaves_a_folder_that_starts_again_with_what_was_acknowledged(
    tmp_path: Path, broker_in: BrokerIn
) -> None:
    first = broker_in(tmp_path)
    await write(first.bootstrap, "kept", b"one")
    first.kill()
    assert broker_status(tmp_path) is None
    (tmp_path / "broker.json").write_text('{"client_port": 2')
    second = broker_in(tmp_path)
    assert await read(second.bootstrap, "kept", 1) == [b"one"]


def test_of_two_starts_at_the_same_moment_one_wins_and_all_others_are_refused_with_its_address(
    tmp_path: Path, broker_in: BrokerIn
) -> None:
    started: list[BrokerHandle] = []
    refused: list[BrokerRunning] = []

    def start() -> None:
        try:
            started.append(broker_in(tmp_path))
        except BrokerRunning as error:
            refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.running.bootstrap for error in refused] == [handle.bootstrap for handle in started]
    assert len(started) == 1
    with pytest.raises(BrokerRunning, match=started[0].bootstrap):
        start_broker(tmp_path)


def test_the_broker_ends_when_its_parent_is_killed_and_the_next_start_waits_for_that(
    tmp_path: Path, broker_in: BrokerIn
) -> None:
    parent = owner_process("print(start_broker(folder).pid, flush=True); input()", tmp_path)
    broker = int(next_line(parent))
    parent.kill()
    parent.wait()
    assert broker_in(tmp_path).pid != broker
    assert not psutil.pid_exists(broker)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent by itself")
def test_the_broker_ends_when_its_guard_is_killed(tmp_path: Path, broker_in: BrokerIn) -> None:
    broker = broker_in(tmp_path)
    os.kill(psutil.Process(broker.pid).ppid(), signal.SIGKILL)
    until(lambda: broker_status(tmp_path) is None, "the broker's end")
    until(lambda: not BrokerFolder(tmp_path).is_held(), "the lock's release")


def test_a_broker_told_to_keep_running_outlives_its_starter_until_it_is_stopped(tmp_path: Path) -> None:
    starter = owner_process("print(start_broker(folder, keep_running=True).pid, flush=True)", tmp_path)
    broker = int(next_line(starter))
    assert starter.wait() == 0
    time.sleep(2)  # longer than a guard takes to notice that its owner is gone
    running = broker_status(tmp_path)
    assert running is not None and running.pid == broker
    assert stop_broker(tmp_path)
    assert broker_status(tmp_path) is None
    assert not stop_broker(tmp_path)


def test_a_start_from_the_cache_asks_nothing_of_the_network(tmp_path: Path) -> None:
    fetch_jars(default_cache())
    script = """
        import json, sys
        asked = []
        def watch(event, args):
            if event in ("socket.getaddrinfo", "socket.gethostbyname"): asked.append(str(args[0]))
            if event == "socket.connect" and isinstance(args[1], tuple): asked.append(args[1][0])
        sys.addaudithook(watch)
        with start_broker(folder) as broker:
            print(json.dumps({"asked": sorted(set(asked)), "http": "requests" in sys.modules}), flush=True)
    """
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    process = owner_process(script, tmp_path, **nowhere)
    assert json.loads(next_line(process)) == {"asked": ["127.0.0.1"], "http": False}
    assert process.wait() == 0


def test_a_broken_data_folder_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(BrokerError, match=r"no meta\.properties; move it away"):
        start_broker(tmp_path)


def test_a_heap_that_java_refuses_is_told_with_javas_words(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="heap"):
        start_broker(tmp_path, heap_mb=1)
    assert not BrokerFolder(tmp_path).is_held()


def test_kept_ports_are_given_up_when_another_process_has_them(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        client, controller = choose_ports(BrokerState(client_port=taken, controller_port=taken), random.Random(1))
    assert taken not in (client, controller)
    assert client != controller


def test_a_fetched_jar_with_another_hash_is_refused_and_not_kept(tmp_path: Path) -> None:
    def deliver(coordinate: str, into: Path) -> Path:
        into.mkdir(parents=True)
        (into / "some.jar").write_bytes(b"not what was pinned")
        return into / "some.jar"

    pin = PinnedJar("org.example:some:1.0", "0" * 64)
    with pytest.raises(BrokerError, match=r"refused .* org\.example:some:1\.0 is pinned as 0000"):
        fetch_jars(tmp_path, [pin], download=deliver)
    assert not (tmp_path / "jars" / pin.filename).exists()


def test_a_cached_jar_that_was_changed_is_refused(tmp_path: Path) -> None:
    pin = read_pins()[0]
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / pin.filename).write_bytes(b"changed")
    with pytest.raises(BrokerError, match="delete the file and start again"):
        fetch_jars(tmp_path, [pin])
