"""`tenfour doctor` finds what is wrong with a whole installation, that alone, and names what mends it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from agents.write_ticks import ticks_at
from console.database import open_database
from console.migrate import upgrade
from console.tables import READ_TO
from console.tokens import add_token
from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import MENTIONS_CLASSIFIED, MENTIONS_RAW, MENTIONS_ROUTED, NOTIFICATIONS, partition_counts
from streams.writing import open_producer, write_outbox
from tests.product_topics import configure
from tests.tenfour.command import ROOT, tenfour
from tests.tenfour.installations import Installation, amiss, installed, working

pytestmark = pytest.mark.kafka
Changed = dict[str, str]
"""Settings that are not as they were."""
Seed = Callable[[Installation, Path], AbstractContextManager[Changed]]


class Fault(NamedTuple):
    """One that is seeded, and what the doctor has to say of it."""

    seed: Seed
    check: str
    what: str
    mend: str


def changed(**settings: str) -> Seed:
    return lambda _installation, _folder: nullcontext(settings)


def no_broker_runs(installation: Installation, _folder: Path) -> AbstractContextManager[Changed]:
    return nullcontext({"TENFOUR_DATA": "nowhere", "TENFOUR_DATABASE": f"sqlite:///{installation.folder}/desk.db"})


@contextmanager
def topic_missing(installation: Installation, _folder: Path) -> Iterator[Changed]:
    asyncio.run(_delete_topic(installation.bootstrap, NOTIFICATIONS.name))
    yield {}
    assert installation.run("topics", "apply").status == 0


async def _delete_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        while topic in await partition_counts(bootstrap):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


@contextmanager
def retention_changed(installation: Installation, _folder: Path) -> Iterator[Changed]:
    asyncio.run(
        configure(installation.bootstrap, MENTIONS_ROUTED, {**MENTIONS_ROUTED.config(1), "retention.ms": "1000000000"})
    )
    yield {}
    assert installation.run("topics", "apply").status == 0


@contextmanager
def model_tampered_with(_installation: Installation, folder: Path) -> Iterator[Changed]:
    model = folder / "model"
    shutil.copytree(ROOT / "models" / "mentions", model)
    with (model / "tokenizer.json").open("a") as tokenizer:
        tokenizer.write(" ")
    yield {"TENFOUR_MODEL": str(model)}


@contextmanager
def policy_invalid(_installation: Installation, folder: Path) -> Iterator[Changed]:
    policy = folder / "policy.yaml"
    policy.write_text("version: 1\nteams: nobody\n")
    yield {"TENFOUR_POLICY": str(policy)}


@contextmanager
def database_without_tables(_installation: Installation, folder: Path) -> Iterator[Changed]:
    (folder / "empty.db").touch()
    yield {"TENFOUR_DATABASE": f"sqlite:///{folder}/empty.db"}


@contextmanager
def database_of_another_log(_installation: Installation, folder: Path) -> Iterator[Changed]:
    url = f"sqlite:///{folder}/another.db"
    engine = open_database(url)
    upgrade(engine)
    with engine.begin() as connection:
        add_token(connection, "token", "ann", "desk", 0)
        connection.execute(READ_TO.insert().values(topic="sla-events", partition=0, next_offset=10**9))
    engine.dispose()
    yield {"TENFOUR_DATABASE": url}


@contextmanager
def database_without_tokens(_installation: Installation, folder: Path) -> Iterator[Changed]:
    url = f"sqlite:///{folder}/untold.db"
    assert tenfour("database", "upgrade", TENFOUR_DATABASE=url).status == 0
    yield {"TENFOUR_DATABASE": url}


@contextmanager
def channels_with_a_mistake(_installation: Installation, folder: Path) -> Iterator[Changed]:
    (folder / "channels.yaml").write_text("chat:\n  - slack://hunter2\n")
    yield {"TENFOUR_NOTIFY_CHANNELS": str(folder / "channels.yaml")}


@contextmanager
def port_taken(_installation: Installation, _folder: Path) -> Iterator[Changed]:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        yield {"TENFOUR_GATEWAY_PORT": str(somebody.getsockname()[1])}


FAULTS = {
    "a topic is missing": Fault(topic_missing, "topics", "missing: notifications", "tenfour topics apply"),
    "a topic is kept for too short": Fault(
        retention_changed, "topics", "mentions-routed: retention.ms: 1000000000", "tenfour topics apply"
    ),
    "another number of partitions": Fault(
        changed(TENFOUR_PARTITIONS="4"), "topics", "8 partitions, TENFOUR_PARTITIONS is 4", "set TENFOUR_PARTITIONS=8"
    ),
    "no broker answers": Fault(
        changed(KAFKA_BOOTSTRAP="127.0.0.1:1"), "broker", "no Kafka answers at 127.0.0.1:1", "correct KAFKA_BOOTSTRAP"
    ),
    "no broker runs": Fault(no_broker_runs, "broker", "no broker runs in nowhere", "`tenfour up`"),
    "more copies than brokers": Fault(
        changed(TENFOUR_REPLICATION="3"), "replication", "the cluster has 1 broker", "set TENFOUR_REPLICATION=1"
    ),
    "the model is not the published one": Fault(
        model_tampered_with, "model", "tokenizer.json is not the published file", "`git checkout`"
    ),
    "there is no second model": Fault(
        changed(TENFOUR_SECOND_MODEL="nowhere"), "second model", "nowhere/manifest.json cannot be read", "Restore"
    ),
    "the policy is not valid": Fault(policy_invalid, "policy", "policy.yaml:", ""),
    "there is no policy": Fault(
        changed(TENFOUR_POLICY="nowhere.yaml"), "policy", "can't read nowhere.yaml", "set TENFOUR_POLICY"
    ),
    "the database has no tables": Fault(
        database_without_tables, "database", "the database is empty", "`tenfour database upgrade`"
    ),
    "the database is of another log": Fault(
        database_of_another_log, "database and log", "sla-events-0 up to 1000000000", "`tenfour rebuild`"
    ),
    "nobody may call the API": Fault(database_without_tokens, "tokens", "no token", "tenfour tokens create"),
    "a setting is impossible": Fault(
        changed(TENFOUR_REPLICATION="many"), "settings", "TENFOUR_REPLICATION", "`tenfour settings`"
    ),
    "a setting is unknown": Fault(
        changed(TENFOUR_PARTITONS="8"), "settings", "TENFOUR_PARTITONS", "`tenfour settings`"
    ),
    "there is no file of channels": Fault(
        changed(TENFOUR_NOTIFY_CHANNELS="nowhere.yaml"), "notifying", "nowhere.yaml", "TENFOUR_NOTIFY_CHANNELS"
    ),
    "a mistake in the file of channels": Fault(channels_with_a_mistake, "notifying", "channels.yaml:2: chat[0]", ""),
    "replies can't be posted": Fault(
        changed(TENFOUR_PUBLISH_URL="channel.example"), "publishing", "TENFOUR_PUBLISH_URL", ""
    ),
    "somebody else has the port": Fault(port_taken, "ports", "Address already in use", "TENFOUR_GATEWAY_PORT"),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("healthy")) as installation, working(installation):
        yield installation


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Topics, tables and a token; but nobody works."""
    with installed(tmp_path_factory.mktemp("idle")) as installation:
        yield installation


def test_in_a_healthy_installation_there_is_nothing_to_mend(healthy: Installation) -> None:
    ended = healthy.run("doctor", "--json")
    told = json.loads(ended.out)
    assert (ended.status, told["healthy"]) == (0, True)
    assert {finding["outcome"] for finding in told["findings"]} == {"ok"}


def test_the_table_has_a_line_a_check(healthy: Installation) -> None:
    lines = healthy.run("doctor").out.splitlines()
    assert any(line.split()[:3] == ["stage", "deadlines", "ok"] for line in lines)


def test_a_fault_is_an_exit_status_and_each_check_that_it_prevents_is_named(healthy: Installation) -> None:
    ended = healthy.run("doctor", "--json", KAFKA_BOOTSTRAP="127.0.0.1:1")
    told = json.loads(ended.out)
    assert (ended.status, told["healthy"]) == (1, False)
    skipped = {finding["check"] for finding in told["findings"] if finding["outcome"] == "skipped"}
    assert skipped == {"replication", "topics", "database and log", "stages", "clock", "clock skew", "dead letters"}
    assert "aiokafka" not in ended.err


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_its_mend_and_nothing_else_is(name: str, healthy: Installation, tmp_path: Path) -> None:
    fault = FAULTS[name]
    with fault.seed(healthy, tmp_path) as settings:
        found = amiss(healthy.examined(**settings))
    assert {finding.check for finding in found} == {fault.check}
    assert all(finding.mend for finding in found)
    assert any(fault.what in finding.what and fault.mend in finding.mend for finding in found), found
    assert "hunter2" not in str(found)


def test_a_clock_that_nobody_drives_is_found(idle: Installation) -> None:
    """Ticks stand in the log, but the last one is a minute old."""
    asyncio.run(_write(idle, ticks_at(time.time() - 60, set(range(Settings().partitions)))))
    found = {finding.check: finding for finding in idle.examined()}["clock in mentions-raw"]
    assert found.outcome == "fault"
    assert "stalled in every partition" in found.what
    assert "`tenfour run classify`" in found.mend


def test_a_stage_that_nobody_runs_is_found_once_something_waits_for_it(idle: Installation) -> None:
    outbox = Outbox()
    outbox.to(MENTIONS_CLASSIFIED.name, 0).append(OutgoingRecord(b"key", b"{}", [], int(time.time() * 1000)))
    asyncio.run(_write(idle, outbox))
    found = {finding.check: finding for finding in idle.examined()}
    assert found["stage route"].outcome == "fault"
    assert found["stage route"].what.startswith("no worker runs route: 1 record, the oldest ")
    assert found["stage route"].mend == "`tenfour run route`"
    assert found["stage project"].mend == "`tenfour project`"
    assert found["stage desk"].outcome == "ok"  # nothing waits for it


def test_dead_letters_of_the_last_hour_are_a_warning(idle: Installation) -> None:
    outbox = Outbox()
    for minutes in (1, 61):
        add_dead_letter(outbox, "classify", _Record(minutes), ValueError("no number"))
    asyncio.run(_write(idle, outbox))
    found = {finding.check: finding for finding in idle.examined()}["dead letters"]
    assert (found.outcome, found.what) == ("warning", "in the last hour: 1 ValueError")
    assert "`tenfour dead-letters list`" in found.mend


class _Record:
    """One that came so many minutes ago."""

    topic, partition, key, value, headers = MENTIONS_RAW.name, 0, b"key", b"no record", ()

    def __init__(self, minutes: int) -> None:
        self.offset = minutes
        self.timestamp = int((datetime.now(UTC).timestamp() - minutes * 60) * 1000)


async def _write(installation: Installation, outbox: Outbox) -> None:
    async with open_producer(installation.bootstrap) as producer:
        await write_outbox(producer, outbox)
