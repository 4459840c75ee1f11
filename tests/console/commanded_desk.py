"""The API before the real desk and its incidents: their stages in a process, on the Kafka that tests share."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from agents.keep_policies import write_policy
from console.api import Times, new_console
from console.commanding import ANSWER_S, Commanding
from console.desk_answers import DeskAnswers, following
from console.sql_threads import Database
from schemas.codecs import encode
from schemas.desk_records import Person
from schemas.ids import derive_id, incident_key
from schemas.incident_records import IncidentMember, IncidentProposed
from schemas.records import AnyRecord
from streams.http_writing import AwaitedWrites
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import DESK_INBOX, INCIDENT_INBOX, Topic
from streams.writing import open_producer, write_outbox
from tests.console.desk_api import ROLES, STAFF, bearer
from tests.domain.desk_log import POLICY, inbound

START_S = 60
PARTITIONS = Settings().partitions
LEFT = Person(id="ann-who-left", name="Ann", role="agent", active=False)


@pytest.fixture(scope="session")
def staffed_kafka(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka with a desk that works, knows the staff and the shipped policy."""
    asyncio.run(_prepare(kafka))
    log = tmp_path_factory.mktemp("desk") / "desk.log"
    with running_desk(kafka, log):
        _wait_for("running desk", log)
        yield kafka


def running_desk(bootstrap: str, log: Path) -> subprocess.Popen[bytes]:
    """A worker of the desk, which writes to the log file. Leaving it ends it."""
    with log.open("ab") as output:
        return _Killed(
            [sys.executable, "-m", "tenfour.main", "run", "desk", "incidents"],
            env={**os.environ, "TENFOUR_BOOTSTRAP": bootstrap, "TENFOUR_TICKS": "replay"},
            stdout=output,
            stderr=output,
        )


class _Killed(subprocess.Popen[bytes]):
    def __exit__(self, *error: object) -> None:
        self.kill()
        self.wait()


def _wait_for(words: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


async def _prepare(kafka: str) -> None:
    await write_policy(POLICY, Settings(bootstrap=kafka), 0)
    for inbox in (DESK_INBOX, INCIDENT_INBOX):
        await write_inbox(kafka, [(None, person) for person in (*STAFF, LEFT)], inbox)


async def write_inbox(kafka: str, entries: Sequence[tuple[str | None, AnyRecord]], inbox: Topic = DESK_INBOX) -> None:
    """Records by their key; those without go to every partition."""
    outbox, now = Outbox(), int(time.time() * 1000)
    for key, record in entries:
        for partition in range(PARTITIONS) if key is None else [partition_of(key.encode(), PARTITIONS)]:
            outgoing = OutgoingRecord(None if key is None else key.encode(), encode(record), [], now)
            outbox.to(inbox.name, partition).append(outgoing)
    async with open_producer(kafka) as producer:
        await write_outbox(producer, outbox)


async def opened(kafka: str, *messages: str) -> str:
    """The key of a new conversation, in which the customer has written these messages."""
    key = f"Delta:x:{uuid.uuid4().hex}"
    await write_inbox(kafka, [(key, inbound(message, conversation=key)) for message in messages or ("m1",)])
    return key


async def proposed(kafka: str, *conversations: str, incident: str = "") -> str:
    """Id of a new incident that these conversations have in common."""
    incident = incident or uuid.uuid4().hex
    record = IncidentProposed(
        id=derive_id("incident_proposed", incident),
        incident=incident,
        brand="Delta",
        type="customer_complaint",
        spike="s1",
        title="the app is down",
        sketch=("aa", "bb"),
        members=tuple(IncidentMember(conversation=key, mention="m1") for key in conversations),
        policy=POLICY.version,
        at=datetime.now(UTC),
    )
    await write_inbox(kafka, [(incident_key(incident), record)], INCIDENT_INBOX)
    return incident


@dataclass
class Counter:
    """Where people give the desk their commands."""

    client: httpx.AsyncClient
    engine: Engine
    kafka: str

    async def give(self, by: str, key: str, do: str, idempotency_key: str = "", **fields: Any) -> httpx.Response:
        headers = {**bearer(by), "Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        body = {"do": do, **fields}
        return await self.client.post(f"/v1/conversations/{key}/commands", headers=headers, json=body)

    async def decide(self, by: str, incident: str, do: str, idempotency_key: str = "", **fields: Any) -> httpx.Response:
        headers = {**bearer(by), "Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        body = {"do": do, **fields}
        return await self.client.post(f"/v1/incidents/{incident}/commands", headers=headers, json=body)

    async def token(self, by: str, key: str) -> str:
        """That of a claim."""
        answer = await self.give(by, key, "claim")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["fence"]["token"])


@asynccontextmanager
async def counter(kafka: str, engine: Engine, answer_s: float = ANSWER_S) -> AsyncIterator[Counter]:
    """The API on this Kafka and this database, which has the staff."""
    database, answers, lost = Database(engine), DeskAnswers(), list[Exception]()
    settings = Settings(bootstrap=kafka, console_burst=10_000)
    async with open_producer(kafka) as producer, following(kafka, answers, lost.append):
        writes = AwaitedWrites(producer, logging.getLogger("tenfour.console"))
        commanding = Commanding(database, writes, answers, PARTITIONS, answer_s)
        app = new_console(database, commanding, ROLES, settings, Times(time.time, time.monotonic))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            yield Counter(client, engine, kafka)
    database.close()
    assert lost == []
