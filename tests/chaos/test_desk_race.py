"""Fifty people race to claim and answer, over HTTP, while the desk, the API, the read model and the publisher are
killed: each message has one answer on the channel, each command is answered in the end, asking again gets the same."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.beside import beside
from bench.free_ports import free_port
from bench.scratch_postgresql import scratch_database, scratch_postgresql
from bench.staffed_desk import (
    PROCESSES,
    environment,
    let_in,
    open_conversations,
    open_desk,
    staff,
    tick,
    until_shown,
    write_inbox,
)
from console.database import open_database
from console.migrate import upgrade
from schemas.codecs import decode
from schemas.desk_events import DeskAnswer, ReplyToPublish
from schemas.desk_records import DeskInbound, Person
from schemas.records import Tick
from streams.embedded_broker import BrokerHandle
from streams.progress import wait_until_drained
from streams.reading import read_to_end
from streams.settings import Settings
from streams.topics import DESK_EVENTS, DESK_INBOX
from tests.chaos.posting_under_kills import kill_while_it_posts, open_forgetful_channel, published_once
from tests.gateway.channel_server import Channel

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]
PEOPLE = 50
RACERS = 4
"""People who want the same conversation."""
KILLS = 12
ASKED_AGAIN = 500
SEED = 6
BEHIND_THE_API = {**dict(PROCESSES), "publish": ("publish",)}
STAGES = [("desk", "tenfour-desk", DESK_INBOX.name), ("publish", "tenfour-publish", DESK_EVENTS.name)]
REQUEST_S = 1.0
"""For the channel: the publisher that comes after a killed one rests for two seconds more."""
FINAL = {200, 409}


@dataclass
class Race:
    """What people asked for and were told, by path and Idempotency-Key."""

    client: httpx.AsyncClient
    told: dict[tuple[str, str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    troubles: Counter[str] = field(default_factory=Counter)
    """Answers that were none: 202, 503, no connection."""

    async def command(self, by: Person, key: str, name: str, **action: Any) -> tuple[int, Any]:
        """The status and the answer, asked until there is one."""
        self.asked[by.id, key, name] = action
        self.told[by.id, key, name] = found = await self.ask(by.id, key, name)
        return found

    async def ask(self, by: str, key: str, name: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer token of {by}", "Idempotency-Key": name}
        path, body = f"/v1/conversations/{key}/commands", self.asked[by, key, name]
        while True:
            try:
                answer = await self.client.post(path, headers=headers, json=body)
            except httpx.TransportError as error:
                self.troubles[type(error).__name__] += 1
            else:
                if answer.status_code in FINAL:
                    return answer.status_code, answer.json()
                assert answer.status_code in (202, 503), answer.text
                self.troubles[str(answer.status_code)] += 1
            await asyncio.sleep(0.3)


@dataclass
class Processes:
    """The processes behind the API, killed and started again."""

    settings: Settings
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)

    def start(self, name: str) -> None:
        arguments = BEHIND_THE_API[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "tenfour.main", *arguments],
                env={**os.environ, **environment(self.settings)}, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def replace(self, name: str) -> None:
        """By one that starts when the other is dead."""
        self.kill(name)
        self.start(name)
        self.killed[name] += 1
        print(f"{datetime.now():%H:%M:%S} killed: {name}", flush=True)

    async def keep_running(self) -> None:
        """Starts again what has ended by itself, as a supervisor does."""
        while True:
            for name, process in list(self.running.items()):
                if process.poll() is not None:
                    self.start(name)
            await asyncio.sleep(0.5)


async def answer_if_mine(race: Race, chance: random.Random, person: Person, inbound: DeskInbound) -> None:
    """Claims, and answers with the token; who lost tries with the winner's, which must not help."""
    key = inbound.conversation
    await asyncio.sleep(chance.uniform(0, 1))
    _, claimed = await race.command(person, key, "claim", do="claim")
    fence = claimed["fence"]
    reply = {"do": "reply", "token": fence["token"] or "none", "last_inbound": inbound.mention}
    await race.command(person, key, "reply", **reply, text=f"{person.name} is on it.")


async def work(race: Race, person: Person, mine: Sequence[DeskInbound]) -> None:
    chance = random.Random(person.id)
    for inbound in chance.sample(mine, len(mine)):
        await answer_if_mine(race, chance, person, inbound)


async def kill_now_and_then(processes: Processes, working: asyncio.Future[Any]) -> None:
    """While people work."""
    chance, names = random.Random(SEED), ("desk", "console", "desk", "console", "project")
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(2, 8))
        if working.done():
            return
        processes.replace(names[number % len(names)])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_fifty_people_race_processes_are_killed_and_nobody_answers_twice(
    kind: str, own_broker: BrokerHandle, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    inbounds = open_conversations(pytestconfig.getoption("--conversations"))
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/desk.db"
        if kind == "postgresql":
            url = stack.enter_context(scratch_database(stack.enter_context(scratch_postgresql()), "race"))
        async with open_forgetful_channel(SEED) as channel:
            await _race(own_broker.bootstrap, url, channel, inbounds, tmp_path)


async def _race(bootstrap: str, url: str, channel: Channel, inbounds: Sequence[DeskInbound], folder: Path) -> None:
    settings = Settings(
        bootstrap=bootstrap,
        database=url,
        console_port=free_port(),
        console_rate=1000,
        console_burst=1000,
        publish_url=channel.url,
        publish_timeout_s=REQUEST_S,
    )
    people, chance, began = staff(PEOPLE), random.Random(SEED), time.monotonic()
    engine = open_database(url)
    upgrade(engine)
    let_in(engine, people)
    engine.dispose()
    await open_desk(settings, people, inbounds)
    wanted: defaultdict[str, list[DeskInbound]] = defaultdict(list)
    for inbound in inbounds:
        for person in chance.sample(people, RACERS):
            wanted[person.id].append(inbound)

    processes = Processes(settings, folder)
    for name in BEHIND_THE_API:
        processes.start(name)
    address = f"http://127.0.0.1:{settings.console_port}"
    try:
        async with (
            beside(processes.keep_running()),
            httpx.AsyncClient(base_url=address, timeout=20, limits=httpx.Limits(max_connections=None)) as client,
        ):
            await until_shown(client, people[0], len(inbounds))
            race = Race(client)
            async with beside(kill_while_it_posts(channel, partial(processes.replace, "publish"), SEED)):
                async with beside(tick(settings)):
                    working = asyncio.gather(*[work(race, person, wanted[person.id]) for person in people])
                    await kill_now_and_then(processes, working)
                    await working
                print(f"{datetime.now():%H:%M:%S} everybody has been told", flush=True)
                await write_inbox(settings, [Tick(at=datetime.now(UTC) + timedelta(minutes=1))])
                await wait_until_drained(bootstrap, STAGES)
            for asked in chance.sample(sorted(race.told), min(ASKED_AGAIN, len(race.told))):
                assert await race.ask(*asked) == race.told[asked]
    finally:
        for name in list(processes.running):
            processes.kill(name)
    replies = await _nothing_is_lost_or_doubled(bootstrap, race, inbounds)
    print(f"{len(race.told)} commands, not answered at first: {dict(race.troubles)}")
    print(await published_once(bootstrap, channel, replies))
    print(f"kills: {dict(processes.killed)}, {time.monotonic() - began:.0f} s")


async def _nothing_is_lost_or_doubled(
    bootstrap: str, race: Race, inbounds: Sequence[DeskInbound]
) -> list[ReplyToPublish]:
    """The replies, one for each message: nobody in the race says `follows`."""
    told = [decode(record.value) async for record in read_to_end(bootstrap, [DESK_EVENTS.name])]
    replies = [reply for reply in told if isinstance(reply, ReplyToPublish)]
    assert Counter(reply.mention for reply in replies) == Counter(inbound.mention for inbound in inbounds)
    answers: dict[str, DeskAnswer] = {}
    for answer in told:
        if isinstance(answer, DeskAnswer):
            assert answers.setdefault(answer.command, answer) == answer
    assert len(answers) == len(race.told)
    accepted = Counter(key for (_, key, name), (status, _) in race.told.items() if name == "reply" and status == 200)
    assert accepted == Counter(inbound.conversation for inbound in inbounds)
    for _, answer in race.told.values():
        assert DeskAnswer.model_validate(answer) == answers[answer["command"]]
    return replies
