"""`claims`: how long it takes from the request to claim a conversation to the desk's answer, over HTTP."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from bench.delays import COLUMNS, told
from bench.free_ports import free_port
from bench.report import Table
from bench.scratch_broker import Say, own_broker
from bench.scratch_postgresql import NoPostgresql, scratch_database, scratch_postgresql
from bench.staffed_desk import (
    let_in,
    open_conversations,
    open_desk,
    running_desk,
    staff,
    token_of,
    until_shown,
)
from console.database import open_database
from console.migrate import upgrade
from schemas.desk_records import DeskInbound, Person
from streams.settings import Settings

PEOPLE: Final = 20
A_SECOND: Final = 20
CONVERSATIONS: Final = 1000
WARM_UP_S: Final = 10
FULL_S: Final = 60
QUICK_S: Final = 5


@dataclass
class Answers:
    """By status, and the delays in ms of those that the desk gave."""

    statuses: Counter[int] = field(default_factory=Counter)
    delays_ms: list[float] = field(default_factory=list)


def bench_claims(quick: bool, say: Say) -> Table:
    seconds = QUICK_S if quick else FULL_S
    rows = []
    for kind in ("SQLite", "PostgreSQL"):
        try:
            with _database(kind) as url, own_broker(say) as bootstrap:
                rows.append(_row(kind, asyncio.run(_measure(bootstrap, url, seconds, say))))
        except NoPostgresql as none:
            say(str(none))
    return Table(
        "claims",
        "python -m bench claims",
        [
            f"{PEOPLE} people claim conversations of {CONVERSATIONS:,} at random moments, {A_SECOND} commands a second "
            f"together for {seconds} s, after {WARM_UP_S} s to warm up; {Settings().partitions} partitions, a tick "
            "every 250 ms.",
            "`tenfour console`, `tenfour run desk` and `tenfour project` in a process each; the read model in the "
            "database, which notes each command before it is written.",
            "Delay: from the moment meant for the request to the desk's answer, 200 or 409, in an HTTP client that "
            "keeps its connections. Later: 202.",
            "Aimed at: p99 200 ms.",
        ],
        ("database", "commands", "accepted", "refused", "later", *COLUMNS),
        rows,
    )


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "SQLite":
        with tempfile.TemporaryDirectory(prefix="tenfour-bench-") as folder:
            yield f"sqlite:///{folder}/desk.db"
    else:
        with scratch_postgresql() as server, scratch_database(server, "claims") as url:
            yield url


async def _measure(bootstrap: str, url: str, seconds: int, say: Say) -> Answers:
    settings = Settings(
        bootstrap=bootstrap, database=url, console_port=free_port(), console_rate=1000, console_burst=1000
    )
    engine, people, inbounds = open_database(url), staff(PEOPLE), open_conversations(CONVERSATIONS)
    upgrade(engine)
    let_in(engine, people)
    engine.dispose()
    await open_desk(settings, people, inbounds)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        running_desk(settings, say) as address,
        httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client,
    ):
        await until_shown(client, people[0], CONVERSATIONS)
        await _claim(client, people, inbounds, WARM_UP_S, seed=1)
        say(f"{A_SECOND} commands a second for {seconds} s")
        return await _claim(client, people, inbounds, seconds, seed=2)


async def _claim(
    client: httpx.AsyncClient, people: Sequence[Person], inbounds: Sequence[DeskInbound], seconds: int, *, seed: int
) -> Answers:
    chance, answers, begin = random.Random(seed), Answers(), time.perf_counter()
    moments = sorted(begin + chance.uniform(0, seconds) for _ in range(A_SECOND * seconds))
    sent = [
        asyncio.create_task(_one(client, chance.choice(people), chance.choice(inbounds), moment, answers))
        for moment in moments
    ]
    await asyncio.gather(*sent)
    return answers


async def _one(
    client: httpx.AsyncClient, person: Person, inbound: DeskInbound, moment: float, answers: Answers
) -> None:
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))
    headers = {"Authorization": f"Bearer {token_of(person)}", "Idempotency-Key": uuid.uuid4().hex}
    path = f"/v1/conversations/{inbound.conversation}/commands"
    answer = await client.post(path, headers=headers, json={"do": "claim"})
    answers.statuses[answer.status_code] += 1
    if answer.status_code in (200, 409):
        answers.delays_ms.append((time.perf_counter() - moment) * 1000)


def _row(kind: str, answers: Answers) -> list[str]:
    counts = [f"{answers.statuses[status]:,}" for status in (200, 409, 202)]
    return [kind, f"{answers.statuses.total():,}", *counts, *told(answers.delays_ms)]
