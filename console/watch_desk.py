"""What the read model knows and no single process does: what is open, what waits, and for how long, as metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, and_, case, func, select

from console.find_gaps import OLD_ENOUGH_S, count_gaps
from console.tables import CONVERSATIONS, ESCALATIONS, TIMERS
from streams.metrics import (
    COMPLETENESS_GAPS,
    IN_REVIEW,
    REVIEW_WAIT,
    TIMERS_DUE,
    UNACKNOWLEDGED,
    UNACKNOWLEDGED_WAIT,
    WITHIN,
)

LOOK_EVERY_S: Final = 10.0
SHARE_OF_TIME: Final = 0.05
"""Of the time that looking may take: with a million open timers one look takes seconds, and the next comes later."""
WAITS: Final = ("started", "climbed", "reminded", "unacknowledged", "at_last_step")
"""States of an escalation that nobody has accepted."""
_EDGES_MS: Final = (0, 900_000, 3_600_000, 14_400_000, 86_400_000)
"""Upper edges of WITHIN, from now; the last has none."""


class DeskNow(NamedTuple):
    """Times are seconds. `timers`: open ones by target and how soon they are due."""

    gaps: int
    timers: Mapping[tuple[str, str], int]
    in_review: int
    review_wait: float
    escalations: Mapping[str, int]
    """By trigger."""
    escalation_wait: float


def look(connection: Connection, now_ms: int) -> DeskNow:
    """`now_ms`: milliseconds since 1970."""
    escalations = connection.execute(
        select(ESCALATIONS.c.trigger, func.count(), func.min(ESCALATIONS.c.started_at))
        .where(ESCALATIONS.c.state.in_(WAITS))
        .group_by(ESCALATIONS.c.trigger)
    ).all()
    in_review, since = _review(connection)
    return DeskNow(
        count_gaps(connection, now_ms - int(OLD_ENOUGH_S * 1000)),
        _timers(connection, now_ms),
        in_review,
        _waited(since, now_ms),
        {trigger: count for trigger, count, _ in escalations},
        _waited(min((first for *_, first in escalations), default=None), now_ms),
    )


def show(now: DeskNow) -> None:
    """What no longer is becomes 0: a series that ended would keep its last value for whoever looks back."""
    COMPLETENESS_GAPS.set(now.gaps)
    TIMERS_DUE.start_at_zero()
    UNACKNOWLEDGED.start_at_zero()
    for target, within in TIMERS_DUE.known():
        TIMERS_DUE.labels(target, within).set(now.timers.get((target, within), 0))
    for (trigger,) in UNACKNOWLEDGED.known():
        UNACKNOWLEDGED.labels(trigger).set(now.escalations.get(trigger, 0))
    IN_REVIEW.set(now.in_review)
    REVIEW_WAIT.set(now.review_wait)
    UNACKNOWLEDGED_WAIT.set(now.escalation_wait)


async def watch_desk(engine: Engine) -> None:
    """Looks every ten seconds, seldomer where a look takes long, until cancelled."""

    def look_now() -> DeskNow:
        with engine.connect() as connection:
            return look(connection, int(time.time() * 1000))

    while True:
        began = time.monotonic()
        show(await asyncio.to_thread(look_now))
        await asyncio.sleep(max(LOOK_EVERY_S, (time.monotonic() - began) / SHARE_OF_TIME))


def _timers(connection: Connection, now_ms: int) -> dict[tuple[str, str], int]:
    left = TIMERS.c.due_at - now_ms
    within = case(*[(left < edge, name) for edge, name in zip(_EDGES_MS, WITHIN, strict=False)], else_=WITHIN[-1])
    query = (
        select(TIMERS.c.target, within.label("within"), func.count())
        .where(TIMERS.c.state == "running")
        .group_by(TIMERS.c.target, "within")
    )
    return {(target, name): count for target, name, count in connection.execute(query)}


def _review(connection: Connection) -> tuple[int, int | None]:
    """Open conversations with a doubtful mention, and since when the first of them waits."""
    doubtful = and_(CONVERSATIONS.c.in_review > 0, CONVERSATIONS.c.status == "open")
    count = connection.execute(select(func.count()).select_from(CONVERSATIONS).where(doubtful)).scalar_one()
    looks = and_(
        TIMERS.c.conversation == CONVERSATIONS.c.conversation,
        TIMERS.c.target == "review",
        TIMERS.c.state.in_(("running", "breached")),
    )
    joined = CONVERSATIONS.join(TIMERS, looks)
    since = connection.execute(select(func.min(TIMERS.c.started_at)).select_from(joined).where(doubtful)).scalar_one()
    return count, since


def _waited(since: int | None, now_ms: int) -> float:
    return 0.0 if since is None else max(0.0, (now_ms - since) / 1000)
