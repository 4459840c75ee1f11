"""A desk with people and open conversations on a Kafka of its own, and the API in front of it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from sqlalchemy import Engine

from agents.keep_policies import write_policy
from bench.beside import beside
from bench.scratch_broker import Say
from bench.watching import Stuck
from bench.whole_log import POLICY
from console.tokens import add_token
from domain.routing import route
from domain.typing_rules import classified_mention
from schemas.codecs import encode
from schemas.desk_records import DeskInbound, Person
from schemas.ids import mention_id
from schemas.records import AnyRecord, Classification, Mention, Tick
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import PREFIX, Settings
from streams.supervise import Supervisor
from streams.topics import DESK_INBOX, apply_topics
from streams.writing import open_producer, write_outbox

PROCESSES: Final = (("desk", ("run", "desk")), ("project", ("project",)), ("console", ("console",)))
"""What answers a command: the stage, the read model, the API."""
START_S: Final = 60.0
TICK_S: Final = 0.25
TOGETHER: Final = 5000


def staff(number: int) -> list[Person]:
    """Agents."""
    return [Person(id=f"agent-{place}", name=f"Agent {place}", role="agent") for place in range(number)]


def open_conversations(number: int) -> list[DeskInbound]:
    """A complaint each, of now."""
    now = datetime.now(UTC)
    found = Classification(
        type="customer_complaint",
        sentiment="negative",
        urgency="urgent",
        confidence=0.9,
        needs_review=False,
        reason="negative sentiment",
        model="none",
    )
    routed = [route(classified_mention(_complaint(place, now), found), POLICY).desk for place in range(number)]
    return [inbound for inbound in routed if inbound is not None]


def token_of(person: Person) -> str:
    return f"token of {person.id}"


def let_in(engine: Engine, people: Iterable[Person]) -> None:
    """Gives each a token."""
    with engine.begin() as connection:
        for person in people:
            add_token(connection, token_of(person), person.id, "bench", 0)


async def open_desk(settings: Settings, people: Sequence[Person], inbounds: Sequence[DeskInbound]) -> None:
    """Topics, the policy, people and messages, in the log."""
    await apply_topics(settings.bootstrap, partitions=settings.partitions, replication=1)
    await write_policy(POLICY, settings, 0)
    await write_inbox(settings, people)
    for start in range(0, len(inbounds), TOGETHER):
        await write_inbox(settings, inbounds[start : start + TOGETHER])


async def write_inbox(settings: Settings, records: Iterable[AnyRecord]) -> None:
    """Each to its conversation's partition; people and ticks to all."""
    async with open_producer(settings.bootstrap) as producer:
        await write_outbox(producer, _outbox(settings, records))


@asynccontextmanager
async def running_desk(settings: Settings, say: Say) -> AsyncIterator[str]:
    """The address of the API, with all processes of PROCESSES; time ticks. They are restarted when they end."""
    environ = {**os.environ, **environment(settings)}
    commands = [(name, [sys.executable, "-m", "tenfour.main", *arguments]) for name, arguments in PROCESSES]
    supervisor = Supervisor(commands, environ=environ, on_line=lambda name, line: say(f"{name}: {line}"))
    await supervisor.start()
    try:
        async with beside(tick(settings)):
            yield f"http://{settings.console_host}:{settings.console_port}"
    finally:
        await supervisor.stop()


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}


async def tick(settings: Settings) -> None:
    """Time to the desk, without end."""
    async with open_producer(settings.bootstrap) as producer:
        while True:
            await write_outbox(producer, _outbox(settings, [Tick(at=datetime.now(UTC))]))
            await asyncio.sleep(TICK_S)


async def until_shown(client: httpx.AsyncClient, person: Person, conversations: int) -> None:
    """Returns when the API knows the person and shows as many open conversations. Raises Stuck."""
    headers = {"Authorization": f"Bearer {token_of(person)}"}
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            answer = await client.get("/v1/queues", headers=headers)
            if answer.status_code == 200 and sum(queue["open"] for queue in answer.json()) >= conversations:
                return
        except httpx.TransportError:
            pass  # it is starting
        await asyncio.sleep(0.2)
    raise Stuck("the API does not show what the desk has")


def _outbox(settings: Settings, records: Iterable[AnyRecord]) -> Outbox:
    outbox, now = Outbox(), int(time.time() * 1000)
    for record in records:
        key = str(record.conversation).encode() if isinstance(record, DeskInbound) else None
        numbers = range(settings.partitions) if key is None else [partition_of(key, settings.partitions)]
        for number in numbers:
            outbox.to(DESK_INBOX.name, number).append(OutgoingRecord(key, encode(record), [], now))
    return outbox


def _complaint(place: int, now: datetime) -> Mention:
    posted_at = now - timedelta(seconds=1)
    return Mention(
        id=mention_id("Delta", "x", f"post-{place}"),
        brand="Delta",
        channel="x",
        thread=f"thread-{place}",
        post=f"post-{place}",
        author="@someone",
        text="my order never arrived",
        posted_at=posted_at,
        received_at=now,
    )
