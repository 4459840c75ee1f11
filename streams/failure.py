"""How a process ends when something is wrong that no rule expects: at once, and saying why.

Nothing is committed on the way out: the batch comes again after the restart.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from streams.logs import last_words

EXIT_STATUS = 70
"""EX_SOFTWARE of sysexits.h."""


def end_process(doing: str, error: BaseException) -> None:
    """Writes one line and ends the process without running anything else. Set TENFOUR_TRACEBACK=1 to see where."""
    if os.environ.get("TENFOUR_TRACEBACK"):
        traceback.print_exception(error, file=sys.stderr)
    detail = " ".join(str(error).split()) or "no further detail"
    last_words(f"ended while {doing}: {type(error).__name__}: {detail[:500]}")
    os._exit(EXIT_STATUS)


async def end_process_on_error(
    doing: str,
    work: Coroutine[Any, Any, None],
    end: Callable[[str, BaseException], None] = end_process,
) -> None:
    """Awaits `work`; an exception other than cancellation ends the process."""
    try:
        await work
    except Exception as error:
        end(doing, error)
