"""Whether a process does its work: checks by name, each with its reason where it doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from streams.metrics import READY

Check = Callable[[], Awaitable[str | None]]
"""None, or why not: what is wrong, for an operator. It carries no content."""
CHECK_S: Final = 3.0
"""Longest that a check may take."""
STARTING: Final = "is starting"


class Health:
    """The checks of one process. Not ready until `started` is called."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._started = False

    def expect(self, name: str, check: Check) -> None:
        self._checks[name] = check

    def started(self) -> None:
        self._started = True

    def stopping(self) -> None:
        """Nothing more is to be sent here."""
        self._started = False

    async def problems(self) -> dict[str, str | None]:
        """Of each check, why it fails; None where it holds."""
        if not self._started:
            return {"process": STARTING}
        names = list(self._checks)
        found = await asyncio.gather(*(_asked(self._checks[name]) for name in names))
        problems = dict(zip(names, found, strict=True))
        for name, problem in problems.items():
            READY.labels(name).set(problem is None)
        return problems


async def _asked(check: Check) -> str | None:
    """A check that fails itself is a problem too: named by its kind, since messages may quote content."""
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_S:g} s"
    except Exception as error:
        return f"the check failed: {type(error).__name__}"
