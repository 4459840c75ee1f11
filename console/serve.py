"""Runs the desk's API inside an asyncio program, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from console.api import Times, new_console
from console.commanding import Commanding
from console.database import open_database
from console.desk_answers import DeskAnswers, following
from console.migrate import require_newest
from console.sql_threads import Database, is_there
from domain.desk_rules import Role
from streams.broker_probe import broker_problem
from streams.health import Health
from streams.http_serving import first_error, listen, serve
from streams.http_writing import ACKNOWLEDGE_S, AwaitedWrites
from streams.probes import observed
from streams.running import stop_signal
from streams.settings import Settings
from streams.topics import DESK_EVENTS, DESK_INBOX, INCIDENT_INBOX, INCIDENTS, require_topics
from streams.writing import open_producer

_LOG = logging.getLogger("tenfour.console")


async def serve_console(
    settings: Settings,
    roles: Mapping[str, Role],
    times: Times,
    *,
    on_listening: Callable[[str], None] = lambda _: None,
    until: Callable[[], Coroutine[Any, Any, None]] = stop_signal,
) -> None:
    """Serves until `until` returns, by default at SIGTERM or SIGINT; then answers what it has, and returns.

    `on_listening` gets the address, `http://host:port`, once callers can connect. Raises ServingError where it can't
    listen, or has lost its producer or the reader of the desk's answers; DatabaseError; TopicError.
    """
    topics = [DESK_INBOX, DESK_EVENTS, INCIDENT_INBOX, INCIDENTS]
    await require_topics(settings.bootstrap, partitions=settings.partitions, topics=topics)
    engine = open_database(settings.database)
    require_newest(engine)
    database, answers = Database(engine), DeskAnswers()
    broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    on_lost = first_error(broken, "the reader of the desk's answers ended")
    try:
        with listen(settings.console_host, settings.console_port, "CONSOLE") as listener:
            async with open_producer(settings.bootstrap) as producer, following(settings.bootstrap, answers, on_lost):
                on_broken = first_error(broken, "the API's producer is of no more use")
                writes = AwaitedWrites(producer, _LOG, on_broken)
                commanding = Commanding(database, writes, answers, settings.partitions)
                app = new_console(database, commanding, roles, settings, times)
                grace_s = int(ACKNOWLEDGE_S) + 2
                health = Health()
                health.expect("broker", partial(broker_problem, settings.bootstrap))
                health.expect("database", partial(_database_problem, database))
                async with observed(settings, health):
                    health.started()
                    await serve(app, listener, until=until, broken=broken, on_listening=on_listening, grace_s=grace_s)
    finally:
        database.close()


async def _database_problem(database: Database) -> None:
    """Raises what the database raises."""
    await database.run(is_there)
