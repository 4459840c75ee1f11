"""Ports for servers that are started to be measured or tested."""

from __future__ import annotations

import random
from typing import Final

from streams.broker_folder import is_free

BELOW_OUTGOING: Final = range(12_000, 32_000)
"""The system takes ports of outgoing connections from above these: it might take the one that was just found free."""


def free_port() -> int:
    """A port of this machine that nobody listens on, drawn at random: others look for theirs at the same time."""
    return next(port for port in random.sample(BELOW_OUTGOING, len(BELOW_OUTGOING)) if is_free(port))
