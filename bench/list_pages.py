"""`list-pages`: how long a page of a list takes at a million conversations in PostgreSQL, over HTTP."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
from sqlalchemy import Engine, insert, text

from bench.delays import COLUMNS, told
from bench.free_ports import free_port
from bench.report import Table
from bench.scratch_broker import Say, own_broker
from bench.scratch_postgresql import scratch_database, scratch_postgresql
from bench.staffed_desk import START_S, environment, let_in, staff, token_of
from bench.watching import Stuck
from console.database import open_database
from console.migrate import upgrade
from console.tables import PEOPLE
from streams.settings import Settings
from streams.supervise import Supervisor
from streams.topics import apply_topics

CONVERSATIONS: Final = 1_000_000
QUICK_CONVERSATIONS: Final = 20_000
OPEN_SHARE: Final = 10
"""One in so many is open."""
LIMIT: Final = 50
PAGES: Final = 300
QUICK_PAGES: Final = 20
DEEP: Final = 30
"""Pages of one list, one after the other; then it begins anew."""
LISTS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("open, most pressing first", "/v1/conversations", {}),
    ("of a queue", "/v1/conversations", {"queue": "support-queue"}),
    ("of a queue, somebody waits", "/v1/conversations", {"queue": "sales-queue", "waiting": "true"}),
    ("my own", "/v1/conversations", {"owner": "me"}),
    ("of a team, newest first", "/v1/conversations", {"team": "support", "sort": "newest"}),
    ("of a brand, resolved", "/v1/conversations", {"brand": "b7", "status": "resolved", "sort": "newest"}),
    ("timers that run", "/v1/timers", {}),
    ("timers that were missed", "/v1/timers", {"state": "breached"}),
    ("the audit log", "/v1/commands", {}),
    ("the audit log of a person", "/v1/commands", {"by": "agent-3"}),
)
PEOPLE_COUNT: Final = 20


def bench_list_pages(quick: bool, say: Say) -> Table:
    number = QUICK_CONVERSATIONS if quick else CONVERSATIONS
    pages = QUICK_PAGES if quick else PAGES
    with scratch_postgresql() as server, scratch_database(server, "pages") as url, own_broker(say) as bootstrap:
        say(f"making {number:,} conversations")
        _fill(url, number)
        rows = asyncio.run(_measure(bootstrap, url, pages, say))
    return Table(
        "list-pages",
        "python -m bench list-pages",
        [
            f"{number:,} conversations, one in {OPEN_SHARE} open, with a timer and a command each, in Debian's "
            "PostgreSQL with its own settings; `tenfour console` in a process of its own, and one HTTP client.",
            f"{pages} pages of {LIMIT} of each list, followed {DEEP} pages deep by their cursors, then anew; the first "
            "of each list is not counted.",
            "Aimed at: p95 100 ms.",
        ],
        ("list", *COLUMNS),
        rows,
    )


def _fill(url: str, number: int) -> None:
    engine = open_database(url)
    upgrade(engine)
    people = staff(PEOPLE_COUNT)
    with engine.begin() as connection:
        connection.execute(insert(PEOPLE), [{**person.model_dump(exclude={"record", "version"})} for person in people])
        for statement in _STATEMENTS:
            connection.execute(text(statement), {"number": number, "people": PEOPLE_COUNT, "share": OPEN_SHARE})
    let_in(engine, people)
    _vacuum(engine)
    engine.dispose()


def _vacuum(engine: Engine) -> None:
    """As the server does by itself before long."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


_STATEMENTS: Final = (
    """
    INSERT INTO conversations
    SELECT 'b' || n % 25 || ':x:' || n, 'b' || n % 25, 'x', n::text,
        CASE WHEN n % :share = 0 THEN 'open' WHEN n % 17 = 0 THEN 'spam' ELSE 'resolved' END,
        (ARRAY['customer_complaint', 'product_question', 'sales_inquiry', 'positive_feedback'])[1 + n % 4],
        team, team || '-queue',
        CASE WHEN n / 40 % 3 = 0 THEN 'agent-' || n / 10 % :people END, NULL,
        1 + n / 11 % 5, n % :share = 0 AND n / 130 % 2 = 0, 0, NULL, 'm' || n,
        1700000000000 + n * 1000::bigint, 1700000000000 + n * 1500::bigint,
        CASE WHEN n % :share = 0 AND n / 130 % 2 = 0 THEN 1700000000000 + (n::bigint * 7919 % :number) * 2000 END, 0
    FROM generate_series(1, :number) AS n,
        LATERAL (SELECT (ARRAY['support', 'product', 'sales', 'pr'])[1 + n / 70 % 4] AS team) AS teams
    """,
    """
    INSERT INTO timers
    SELECT conversation, 'first_response', 'c', conversation || '|first_response|c', last_inbound, brand, type, team,
        CASE WHEN status = 'open' AND waiting THEN 'running' WHEN priority = 1 THEN 'breached' ELSE 'met' END,
        0, false, opened_at, opened_at + 7200000, NULL, NULL
    FROM conversations
    """,
    """
    INSERT INTO commands
    SELECT 'command-' || thread, conversation, 'claim', by, true, 'accepted', 'done',
        jsonb_build_object(
            'record', 'desk_answer', 'version', 1, 'id', 'answer-' || thread, 'conversation', conversation,
            'command', 'command-' || thread, 'action', 'claim', 'by', by, 'accepted', true, 'code', 'accepted',
            'reason', 'done', 'fence', NULL, 'reply', NULL, 'at', '2026-03-02T12:00:00Z'
        ),
        opened_at
    FROM conversations, LATERAL (SELECT 'agent-' || thread::int % :people AS by) AS people
    """,
)


async def _measure(bootstrap: str, url: str, pages: int, say: Say) -> list[list[str]]:
    settings = Settings(
        bootstrap=bootstrap, database=url, console_port=free_port(), console_rate=10_000, console_burst=10_000
    )
    await apply_topics(bootstrap, partitions=settings.partitions, replication=1)
    async with _console(settings) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {token_of(staff(PEOPLE_COUNT)[3])}"
        await _until_it_answers(client)
        rows = []
        for name, path, asked in LISTS:
            rows.append([name, *told(await _turn_pages(client, path, asked, pages))])
            say(": ".join(rows[-1][:3:2]))
        rows.append(["counts of all queues", *told([await _timed(client, "/v1/queues", {}) for _ in range(pages)])])
        keys = random.Random(7).sample(range(1, 10_000), pages)
        one = [await _timed(client, f"/v1/conversations/b{key % 25}:x:{key}", {}) for key in keys]
        return [*rows, ["one conversation", *told(one)]]


@asynccontextmanager
async def _console(settings: Settings) -> AsyncIterator[str]:
    command = ("console", [sys.executable, "-m", "tenfour.main", "console"])
    supervisor = Supervisor([command], environ={**os.environ, **environment(settings)})  # each request is a line
    await supervisor.start()
    try:
        yield f"http://{settings.console_host}:{settings.console_port}"
    finally:
        await supervisor.stop()


async def _until_it_answers(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if (await client.get("/v1/me")).status_code == 200:
                return
        except httpx.TransportError:
            pass  # it is starting
        await asyncio.sleep(0.2)
    raise Stuck("the API does not answer")


async def _turn_pages(client: httpx.AsyncClient, path: str, asked: dict[str, str], pages: int) -> list[float]:
    """Milliseconds of each page."""
    delays: list[float] = []
    after: str | None = None
    for number in range(pages + 1):
        deeper = {} if after is None or number % DEEP == 0 else {"after": after}
        began = time.perf_counter()
        answer = await client.get(path, params={**asked, **deeper, "limit": str(LIMIT)})
        delays.append((time.perf_counter() - began) * 1000)
        after = answer.raise_for_status().json()["next"]
    return delays[1:]


async def _timed(client: httpx.AsyncClient, path: str, asked: dict[str, str]) -> float:
    began = time.perf_counter()
    (await client.get(path, params=asked)).raise_for_status()
    return (time.perf_counter() - began) * 1000
