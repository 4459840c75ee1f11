"""A reader that costs nothing: so that a stage is timed without its model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle, islice

from domain.policy import Policy
from domain.typing_rules import SENTIMENTS, TYPES, Doubt, TypingRules
from models.mention_model import Reading

DIFFERENT = 4999


class StoredReadings:
    """Goes round a list of readings, each sentiment and each type the likeliest of some: no two neighbours are alike,
    and a memory of recent answers gains no more than it would from a model."""

    def __init__(self, seed: int = 7) -> None:
        rng = random.Random(seed)
        self._endless = cycle([_reading(rng) for _ in range(DIFFERENT)])

    async def read(self, texts: Sequence[str], *, again: bool = False) -> list[Reading]:  # noqa: ARG002
        return list(islice(self._endless, len(texts)))

    def next_reading(self) -> Reading:
        return next(self._endless)


def stored_rules(policy: Policy) -> TypingRules:
    """The policy's rules, beside readings that are stored."""
    return TypingRules(policy, Doubt(0.6, frozenset({"en"})), "stored-readings@0000000000000000")


def _reading(rng: random.Random) -> Reading:
    return Reading(_shares(rng, len(SENTIMENTS)), _shares(rng, len(TYPES)), "en")


def _shares(rng: random.Random, number: int) -> tuple[float, ...]:
    likeliest = rng.uniform(0.4, 0.99)
    parts = [(1 - likeliest) / (number - 1)] * number
    parts[rng.randrange(number)] = likeliest
    return tuple(parts)
