"""The whole pipeline, as `tenfour up` runs it, and a day of a desk: all that its dashboards tell of happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import yaml

from bench.free_ports import BELOW_OUTGOING, free_port
from console.database import open_database
from console.tokens import add_token
from domain.assigning import ADVISER
from domain.incidents import SPEAKER
from schemas.desk_records import DeskInbound
from schemas.incident_records import IncidentChanged
from schemas.outcomes import NotificationSent, PublishOutcome
from schemas.records import DeadLetter, Mention, PublicReply, SpikeDetected, Tick
from streams.broker_folder import is_free
from streams.progress import wait_until_drained
from streams.settings import Settings
from tenfour.local_pipeline import LocalPipeline, local_pipeline, sources
from tests.console.commanded_desk import Counter
from tests.console.desk_api import token_of
from tests.deploy.compose_file import REPOSITORY
from tests.gateway.channel_server import open_channel
from tests.gateway.intake_client import post
from tests.gateway.notifying import open_sink
from tests.pipeline.harness import PARTITIONS, Outcome, feed, outcome, write_raw
from tests.pipeline.test_desk import write_inbox
from tests.pipeline.test_spikes import RULES, flooded
from tests.pipeline.traffic import EPOCH, complaint, conversations, records
from tests.tenfour.command import tenfour

PORTS: Final = 12
"""More than there are processes."""
DAY_S: Final = 10.0
"""Long enough for counters to be seen to rise."""
PATIENCE_S: Final = 90
STAFF: Final = (
    {"id": SPEAKER, "name": "Answers incidents", "role": "spokesperson", "capacity": 0},
    {"id": ADVISER, "name": "Assigns owners", "role": "adviser"},
    {"id": "ann", "name": "Ann", "role": "lead", "teams": ["support"], "capacity": 0},
    {"id": "bob", "name": "Bob", "role": "lead", "teams": ["support"], "capacity": 0},
)
NOT_ENGLISH: Final = "Seit gestern stürzt die App ständig ab, und niemand beantwortet mir meine Fragen."


@dataclass
class ObservedPipeline:
    running: LocalPipeline
    folder: Path
    said: list[str] = field(default_factory=list)
    """By its processes."""
    _waiting: list[DeskInbound] = field(default_factory=list)
    """What nobody has answered."""

    @property
    def settings(self) -> Settings:
        return self.running.settings

    async def started(self) -> None:
        """Returns when every process says that it is ready."""
        async with self._patience(), httpx.AsyncClient() as client:
            for port in self.running.metrics_ports.values():
                while not await _is_ready(client, port):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)

    async def live_through_a_day(self) -> None:
        await self._hire()
        await feed(self.settings.bootstrap, _posts(), DAY_S)
        await write_raw(self.settings.bootstrap, [(0, b"key", b"no record")])
        await asyncio.to_thread(self._take_one_in)
        async with self._patience():
            await wait_until_drained(self.settings.bootstrap, sources(self.settings))
        await self._answer()
        await self._until_all_has_happened()

    async def _hire(self) -> None:
        file = self.folder / "people.yaml"
        file.write_text(yaml.safe_dump(list(STAFF)), "utf-8")
        settings = {"TENFOUR_BOOTSTRAP": self.settings.bootstrap, "TENFOUR_PARTITIONS": str(PARTITIONS)}
        ended = await asyncio.to_thread(tenfour, "people", "apply", str(file), **settings)
        assert ended.status == 0, ended.err
        engine = open_database(self.settings.database)
        with engine.begin() as connection:
            for person in ("ann", "bob"):
                add_token(connection, token_of(person), person, "desk", 0)
        engine.dispose()

    def _take_one_in(self) -> None:
        address = f"http://127.0.0.1:{self.settings.gateway_port}"
        assert httpx.post(f"{address}/v1/mentions", json=post(brand="Delta")).status_code == 202

    async def claim_another(self) -> None:
        """One more conversation becomes somebody's."""
        async with self._counter() as counter:
            await counter.token("ann", self._waiting.pop().conversation)

    async def _answer(self) -> None:
        """Two people reach for a conversation; one gets it, and answers."""
        found = await outcome(self.settings.bootstrap)
        inbox = [record for record in found.records["desk-inbox"] if isinstance(record, DeskInbound)]
        self._waiting = [inbound for inbound in inbox if not inbound.needs_review]
        asked = self._waiting.pop()
        async with self._counter() as counter:
            token = await counter.token("ann", asked.conversation)
            assert (await counter.give("bob", asked.conversation, "claim")).json()["code"] == "claimed_by_other"
            said = {"token": token, "last_inbound": asked.mention, "text": "It is on its way."}
            answer = await counter.give("ann", asked.conversation, "reply", **said)
            assert answer.status_code == 200, answer.text
        undone = datetime.now(UTC) + timedelta(minutes=1)  # too late to take it back
        await write_inbox(self.settings.bootstrap, [(None, Tick(at=undone))])

    @asynccontextmanager
    async def _counter(self) -> AsyncIterator[Counter]:
        address, engine = f"http://127.0.0.1:{self.settings.console_port}", open_database(self.settings.database)
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            yield Counter(client, engine, self.settings.bootstrap)
        engine.dispose()

    async def _until_all_has_happened(self) -> None:
        async with self._patience():
            while missing := _missing(await outcome(self.settings.bootstrap)):
                if (remark := f"missing: {', '.join(missing)}") not in self.said:
                    self.said.append(remark)
                await asyncio.sleep(0.3)

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                yield
        except TimeoutError:
            raise AssertionError("\n".join(self.said)) from None


@asynccontextmanager
async def observed_pipeline(bootstrap: str, folder: Path) -> AsyncIterator[ObservedPipeline]:
    """Every process, on this Kafka and with all that they reach, until the block is left."""
    said: list[str] = []
    async with open_channel() as channel, open_sink() as sink:
        settings = Settings(
            bootstrap=bootstrap,
            partitions=PARTITIONS,
            ticks="replay",
            policy=_policy(folder),
            database=f"sqlite:///{folder}/desk.db",
            metrics_port=_free_row(),
            publish_url=channel.url,
            notify_channels=_channels(folder, sink.url),
            gateway_port=free_port(),
            console_port=free_port(),
        )
        async with local_pipeline(settings, folder, said.append, with_servers=True) as running:
            yield ObservedPipeline(running, folder, said)


def _policy(folder: Path) -> Path:
    """The shipped one with a baseline that fits into a day."""
    shipped = yaml.safe_load((REPOSITORY / "policy.yaml").read_text("utf-8"))
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump({**shipped, "spikes": RULES}), "utf-8")
    return path


def _channels(folder: Path, url: str) -> Path:
    path = folder / "channels.yaml"
    path.write_text(yaml.safe_dump({name: [url] for name in ("chat", "email", "pager")}), "utf-8")
    return path


def _free_row() -> int:
    """The first of so many ports in a row that are free."""
    while True:
        first = free_port()
        if first + PORTS in BELOW_OUTGOING and all(is_free(first + place) for place in range(PORTS)):
            return first


def _posts() -> list[Mention | PublicReply]:
    """A flood among what is usual, some answered in time, some late, some never, and one that people must look at.

    Nothing is posted long after the flood: an incident is looked for among what was posted shortly before.
    """
    usual = [found for found in conversations(80, seed=31) if found.posted_at < EPOCH + timedelta(hours=8)]
    doubtful = complaint("doubtful", EPOCH, text=NOT_ENGLISH)
    return [*flooded(), *records(usual), doubtful]


def _missing(found: Outcome) -> list[str]:
    """Kinds of records that are not on their topic yet."""
    kinds: tuple[tuple[str, type], ...] = (
        ("dead-letters", DeadLetter),
        ("publish-log", PublishOutcome),
        ("notifications", NotificationSent),
        ("sla-events", SpikeDetected),
        ("incidents", IncidentChanged),
    )
    return [kind.__name__ for topic, kind in kinds if not any(isinstance(one, kind) for one in found.records[topic])]


async def _is_ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/readyz", timeout=5)).status_code == 200
    except httpx.TransportError:
        return False
