"""The API over real HTTP, in a thread of its own, for clients that know no event loop."""

from __future__ import annotations

import asyncio
import threading
import time

from sqlalchemy import insert

from console.api import Times
from console.database import open_database
from console.migrate import upgrade
from console.serve import serve_console
from console.tables import (
    COMMANDS,
    CONVERSATIONS,
    ESCALATIONS,
    INCIDENT_MEMBERS,
    INCIDENTS,
    POSTS,
    REPLIES,
    TIMERS,
    TRAIL,
)
from streams.settings import Settings
from tests.console import rows
from tests.console.desk_api import ROLES, hire

INCIDENT = "dd8727620092ad7bcee132551f5fa8cb"
"""The one in the description's examples."""


def fill(url: str, key: str) -> None:
    """A read model with the staff and a little of everything about one conversation."""
    engine = open_database(url)
    upgrade(engine)
    with engine.begin() as connection:
        hire(connection)
        connection.execute(insert(CONVERSATIONS), [rows.conversation(key), rows.conversation("Delta:x:2", due_at=None)])
        connection.execute(insert(POSTS), [rows.post(key=key)])
        connection.execute(insert(TIMERS), [rows.timer(key=key)])
        connection.execute(insert(REPLIES), [rows.reply(key=key)])
        connection.execute(insert(ESCALATIONS), [rows.escalation(key=key)])
        connection.execute(insert(INCIDENTS), [rows.incident(INCIDENT)])
        connection.execute(insert(INCIDENT_MEMBERS), [rows.member(key, INCIDENT)])
        connection.execute(insert(TRAIL), [rows.event(key=key)])
        connection.execute(insert(COMMANDS), [rows.command(key=key)])
    engine.dispose()


class ServedDesk:
    """Serves within a block, which gets the address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> str:
        self._thread.start()
        assert self._listening.wait(30)
        return self._address

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve_console(
            self._settings, ROLES, Times(time.time, time.monotonic), on_listening=self._told, until=self._until
        )

    def _told(self, address: str) -> None:
        self._address = address
        self._listening.set()

    async def _until(self) -> None:
        await self._stop.wait()
