"""What is told of a cycle on `sla-events`, and the cause of a miss."""

from typing import Final

from domain.cycle_state import Case, Cycle, Status
from domain.instants import from_ms
from schemas.ids import derive_id
from schemas.quick_json import trusted
from schemas.records import MissCause, SlaEvent, SlaEventKind

_FIELDS: Final = set(SlaEvent.model_fields)
_WAITS: Final[dict[str, MissCause]] = {"review": "waiting_for_review", "approval": "waiting_for_approval"}


def cycle_id(conversation: str, cycle: Cycle) -> str:
    """Of a cycle that supersedes another, the record that made it so goes into the id."""
    cause = (conversation, cycle.target, cycle.mention)
    return derive_id(*cause, cycle.origin) if cycle.origin else derive_id(*cause)


def event_id(conversation: str, cycle: Cycle, kind: SlaEventKind, level: int | None = None) -> str:
    """Derived from (conversation, target, cycle, kind), and from the level of risk after the first."""
    return _event_id(conversation, cycle, cycle_id(conversation, cycle), kind, level)


def _event_id(conversation: str, cycle: Cycle, name: str, kind: SlaEventKind, level: int | None) -> str:
    cause = (conversation, cycle.target, name, kind)
    return derive_id(*cause, str(level)) if level is not None and level > 1 else derive_id(*cause)


def event(
    conversation: str,
    cycle: Cycle,
    kind: SlaEventKind,
    at: int,
    now: int | None,
    *,
    reply: str | None = None,
    elapsed: int | None = None,
    level: int | None = None,
    cause: MissCause | None = None,
    breach: str | None = None,
    linked: str | None = None,
    reason: str | None = None,
) -> SlaEvent:
    """The event of a cycle. Times in milliseconds since 1970; `now` is the tick that was seen last."""
    name = cycle_id(conversation, cycle)
    return trusted(
        SlaEvent,
        {
            "record": "sla_event",
            "version": 1,
            "id": _event_id(conversation, cycle, name, kind, level),
            "kind": kind,
            "conversation": conversation,
            "target": cycle.target,
            "cycle": name,
            "mention": cycle.mention,
            "brand": cycle.brand,
            "type": cycle.type,
            "team": cycle.team,
            "started_at": from_ms(cycle.started),
            "due_at": from_ms(cycle.due),
            "at": from_ms(at),
            "decided_at": None if now is None else from_ms(now),
            "reply": reply,
            "policy": cycle.policy,
            "calendar": cycle.calendar,
            "elapsed_ms": elapsed,
            "level": level,
            "cause": cause,
            "breach": breach,
            "linked": linked,
            "reason": reason,
        },
        _FIELDS,
    )


def cause_of(case: Case, cycle: Cycle, at: int) -> MissCause:
    """Why the cycle has no answer at `at`, from what the log says of that moment: what came later changes nothing."""
    if cycle.late_ingest:
        return "late_ingest"
    for target, waiting in _WAITS.items():
        if cycle.target == target or _under_way(case, target, at):
            return waiting
    owners = [fact for fact in case.owners if fact.since <= at]
    if owners and not owners[-1].on_shift:
        return "out_of_capacity"
    return "owner_silent" if owners and owners[-1].owner is not None else "unassigned"


def _under_way(case: Case, target: str, at: int) -> bool:
    running = (cycle.started <= at for cycle in case.cycles if cycle.target == target and cycle.status != Status.PAUSED)
    return any(running) or any(desk.target == target and desk.started <= at < desk.stopped for desk in case.ended)
