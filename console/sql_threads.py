"""Short transactions beside an event loop, in threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from streams.http_refusals import unavailable

THREADS: Final = 10
"""Transactions at once; no more than an engine has connections."""
RETRY_AFTER_S: Final = 5
_T = TypeVar("_T")


def is_there(connection: Connection) -> None:
    """Raises what the database raises, if it doesn't answer."""
    connection.execute(text("SELECT 1"))


class Database:
    """The read model's database for the API."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(THREADS, "sql")

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` gives, in a transaction of its own. Raises RefusedRequest where the database doesn't answer."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._in_transaction, work)
        except (OperationalError, InterfaceError, NoConnection):
            raise unavailable("the database does not answer in time; send it again", RETRY_AFTER_S) from None
        except DBAPIError as error:
            if error.connection_invalidated:
                raise unavailable("the database went away; send it again", RETRY_AFTER_S) from None
            raise

    def close(self) -> None:
        """Waits for what runs, and ends the connections."""
        self._threads.shutdown()
        self._engine.dispose()

    def _in_transaction(self, work: Callable[[Connection], _T]) -> _T:
        with self._engine.begin() as connection:
            return work(connection)
