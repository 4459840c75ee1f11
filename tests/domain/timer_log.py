"""A partition of `sla-timer` in the words of a story: minutes, conversations, what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from domain.clock import Clock
from schemas.ids import derive_id
from schemas.records import SlaEvent, Tick, TimerRespond, TimerStart

NOON = datetime(2020, 4, 1, 12, tzinfo=UTC)

Entry = TimerStart | TimerRespond | Tick
State = dict[bytes, bytes | None]
"""What stands for the state topic, compacted."""


def minute(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def start(conversation: str = "Delta:x:1", at: float = 0, due: float = 120, mention: str = "m1") -> TimerStart:
    """A mention at a minute, to be answered so many minutes later; at risk after three quarters of them."""
    return TimerStart(
        id=derive_id("timer_start", mention, "first_response"),
        conversation=conversation,
        target="first_response",
        mention=mention,
        brand="Delta",
        type="customer_complaint",
        team="support",
        started_at=minute(at),
        at_risk_at=minute(at + due * 0.75),
        due_at=minute(at + due),
        policy="0123456789abcdef",
    )


def reply(conversation: str = "Delta:x:1", at: float = 0, reply: str = "r1") -> TimerRespond:
    """The brand's public reply at a minute."""
    return TimerRespond(
        id=derive_id("timer_respond", reply),
        conversation=conversation,
        reply=reply,
        responded_at=minute(at),
    )


def tick(at: float) -> Tick:
    return Tick(at=minute(at))


def events(clock: Clock, log: Iterable[Entry]) -> list[SlaEvent]:
    return [event for record in log for event in clock.fold(record)]


def told(*log: Entry, clock: Clock | None = None) -> list[str]:
    """What a fresh clock tells of the log, such as "breached at 120"."""
    return [f"{event.kind} at {_minutes(event.at)}" for event in events(clock or Clock(), log)]


def compacted(state: State, clock: Clock, *, with_tick: bool = True) -> None:
    """Writes the clock's changes into what stands for the state topic."""
    state.update(clock.take_changes(with_tick=with_tick))


def restored(state: State) -> Clock:
    clock = Clock()
    for key, value in state.items():
        clock.restore(key, value)
    clock.restored()
    return clock


def _minutes(instant: datetime) -> str:
    return f"{(instant - NOON) / timedelta(minutes=1):g}"
