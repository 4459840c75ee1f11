"""A partition of `sla-timer` in the words of a story: minutes, conversations, what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from domain.clock import Clock, Fact
from schemas.ids import derive_id
from schemas.records import (
    SlaEvent,
    SlaTarget,
    TargetMinutes,
    TargetTimes,
    Tick,
    TimerCancel,
    TimerOwner,
    TimerRespond,
    TimerStart,
    TimerStop,
    TimerSupersede,
)

NOON = datetime(2020, 4, 1, 12, tzinfo=UTC)

Entry = Fact | Tick
StoppedTarget = Literal["resolution", "review", "approval", "escalation_ack"]
State = dict[bytes, bytes | None]
"""What stands for the state topic, compacted."""


def minute(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def start(
    conversation: str = "Delta:x:1",
    at: float = 0,
    due: float = 120,
    mention: str = "m1",
    *,
    following: float | None = None,
    resolution: int | None = None,
    target: SlaTarget = "first_response",
    levels: tuple[float, ...] = (0.75,),
    received: float | None = None,
    calendar: str = "24x7",
) -> TimerStart:
    """A mention at a minute, to be answered so many minutes later; at risk after three quarters of them.

    `following` and `resolution` are the minutes of the other targets, if it has them.
    """
    first, *again = [minute(at + due * level) for level in levels]
    later = None
    if following is not None:
        later = TargetTimes(at_risk_at=minute(at + following * 0.75), due_at=minute(at + following))
    return TimerStart(
        id=derive_id("timer_start", mention, target),
        conversation=conversation,
        target=target,
        mention=mention,
        brand="Delta",
        type="customer_complaint",
        team="support",
        started_at=minute(at),
        at_risk_at=first,
        at_risk_again=tuple(again),
        due_at=minute(at + due),
        policy="0123456789abcdef",
        calendar=calendar,
        received_at=None if received is None else minute(received),
        next_response=later,
        resolution=None
        if resolution is None
        else TargetMinutes(target="resolution", minutes=resolution, at_risk=(resolution * 3 // 4,)),
        reopen_days=5,
    )


def reply(
    conversation: str = "Delta:x:1", at: float = 0, reply: str = "r1", *, automatic: bool = False
) -> TimerRespond:
    """The brand's public reply at a minute."""
    return TimerRespond(
        id=derive_id("timer_respond", reply),
        conversation=conversation,
        reply=reply,
        responded_at=minute(at),
        automatic=automatic,
    )


def stop(target: StoppedTarget, at: float, conversation: str = "Delta:x:1", mention: str = "m1") -> TimerStop:
    """The case was resolved, or the desk did what was asked of it, at a minute."""
    return TimerStop(
        id=derive_id("timer_stop", conversation, target, mention),
        conversation=conversation,
        target=target,
        mention=mention,
        stopped_at=minute(at),
    )


def cancel(at: float, conversation: str = "Delta:x:1", mention: str = "m1") -> TimerCancel:
    return TimerCancel(
        id=derive_id("timer_cancel", mention),
        conversation=conversation,
        mention=mention,
        cancelled_at=minute(at),
        reason="labelled as spam",
    )


def supersede(
    at: float, minutes: int, conversation: str = "Delta:x:1", mention: str = "m1", calendar: str = "24x7"
) -> TimerSupersede:
    """Another type, and so many minutes for each target that runs."""
    targets: tuple[SlaTarget, ...] = ("first_response", "next_response", "resolution")
    return TimerSupersede(
        id=derive_id("timer_supersede", mention, str(minutes)),
        conversation=conversation,
        mention=mention,
        type="sales_inquiry",
        team="sales",
        policy="fedcba9876543210",
        calendar=calendar,
        targets=tuple(TargetMinutes(target=target, minutes=minutes, at_risk=(minutes // 2,)) for target in targets),
        superseded_at=minute(at),
        reason="labelled as sales_inquiry",
    )


def owner(at: float, name: str | None, conversation: str = "Delta:x:1", *, on_shift: bool = True) -> TimerOwner:
    """Who has the conversation from a minute on."""
    return TimerOwner(
        id=derive_id("timer_owner", conversation, name or "", str(at)),
        conversation=conversation,
        owner=name,
        on_shift=on_shift,
        since=minute(at),
    )


def tick(at: float) -> Tick:
    return Tick(at=minute(at))


def events(clock: Clock, log: Iterable[Entry]) -> list[SlaEvent]:
    return [event for record in log for event in clock.fold(record)]


def told(*log: Entry, clock: Clock | None = None) -> list[str]:
    """What a fresh clock tells of the log, such as "breached at 120"; other targets than the first response by name."""
    return [_told(event) for event in events(clock or Clock(), log)]


def _told(event: SlaEvent) -> str:
    target = "" if event.target == "first_response" else f"{event.target} "
    return f"{target}{event.kind} at {_minutes(event.at)}"


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
