"""Escalations: paths that climb, step by step, until somebody acknowledges.

An escalation is acknowledged, or climbs, or stands at its last step and has said so. A path is frozen when it starts.
"""

from collections.abc import Collection
from typing import Final

from domain.authority import Refused
from domain.desk_rules import EscalationPath
from domain.desk_state import Climb, Escalation, PathStep
from domain.desk_turn import MINUTE_MS, DeskTurn, clipped
from domain.instants import from_ms
from domain.state_head import NEVER
from schemas.desk_events import EscalationChanged, EscalationKind, Trigger
from schemas.ids import derive_id

ANSWERED: Final[frozenset[Trigger]] = frozenset({"at_risk", "breached", "owner_silent"})
"""Over as soon as the customer has an answer."""
REMEMBERED_ESCALATIONS: Final = 32


def start(turn: DeskTurn, trigger: Trigger, mention: str, cause: str) -> None:
    """Starts the policy's path, unless there is none, or it climbs already, or the cause is a repeat."""
    path = next((path for path in turn.policy.escalations if path.trigger == trigger), None)
    found = derive_id("escalation", turn.key, trigger, cause)
    active = turn.case.escalations
    if path is None or found in turn.case.escalated or any(known.trigger == trigger for known in active):
        return
    escalation = _frozen(path, found, mention, turn.case.team)
    active.append(escalation)
    _tell_step(turn, escalation)
    _say(turn, escalation, "started", holding_reply=path.holding_reply)
    turn.start_timer("escalation_ack", mention)


def acknowledge(turn: DeskTurn, id_: str, by: str) -> None:
    """Raises Refused for one that is unknown or over, and for one that is acknowledged."""
    escalation = next((known for known in turn.case.escalations if known.id == id_), None)
    if escalation is None:
        over = "is over" if id_ in turn.case.escalated else "is not one of this conversation"
        raise Refused("unknown_escalation", f"the escalation {over}")
    if escalation.climb == Climb.ACKNOWLEDGED:
        raise Refused("already_acknowledged", f"{escalation.acknowledged_by} has acknowledged it")
    escalation.climb, escalation.acknowledged_by = Climb.ACKNOWLEDGED, by
    escalation.until, escalation.remind = turn.at + escalation.acknowledged_for, None
    _say(turn, escalation, "acknowledged", by=by)
    _stop_timer(turn, escalation)


def close(turn: DeskTurn, reason: str, triggers: Collection[Trigger] | None = None) -> None:
    """Ends those of the triggers, of all if none are named."""
    case = turn.case
    for escalation in [known for known in case.escalations if triggers is None or known.trigger in triggers]:
        case.escalations.remove(escalation)
        case.escalated = [*case.escalated, escalation.id][-REMEMBERED_ESCALATIONS:]
        _say(turn, escalation, "closed", reason=reason)
        if escalation.climb != Climb.ACKNOWLEDGED:
            _stop_timer(turn, escalation)


def next_moment(escalation: Escalation) -> int:
    return escalation.until if escalation.remind is None else min(escalation.remind, escalation.until)


def pass_moment(turn: DeskTurn, escalation: Escalation) -> None:
    """What time alone does at `next_moment`: reminds, climbs, or takes back an acknowledgement."""
    if escalation.remind is not None and escalation.remind < escalation.until:
        escalation.remind = None
        _say(turn, escalation, "reminded")
    elif escalation.climb == Climb.ACKNOWLEDGED:
        escalation.climb, lapsed = Climb.CLIMBING, escalation.acknowledged_by
        escalation.acknowledged_by = ""
        _tell_step(turn, escalation)
        _say(turn, escalation, "unacknowledged", reason=f"{lapsed} acknowledged it, and it is not over")
    elif escalation.step + 1 < len(escalation.path):
        escalation.step += 1
        _tell_step(turn, escalation)
        _say(turn, escalation, "climbed")
    else:
        escalation.climb, escalation.until = Climb.AT_LAST_STEP, NEVER
        _say(turn, escalation, "at_last_step", reason="nobody on its path has acknowledged it")


def _frozen(path: EscalationPath, id_: str, mention: str, team: str) -> Escalation:
    steps = [PathStep(step.role, step.team or team, step.channel, step.minutes * MINUTE_MS) for step in path.steps]
    return Escalation(
        id=id_,
        trigger=path.trigger,
        mention=mention,
        path=steps,
        remind_after=None if path.remind_minutes is None else path.remind_minutes * MINUTE_MS,
        acknowledged_for=path.acknowledged_minutes * MINUTE_MS,
        step=0,
        climb=Climb.CLIMBING,
        until=0,
    )


def _tell_step(turn: DeskTurn, escalation: Escalation) -> None:
    """Somebody is told now: the time of the step begins."""
    length, after = escalation.path[escalation.step].length, escalation.remind_after
    escalation.until = turn.at + length
    escalation.remind = turn.at + after if after is not None and after < length else None


def _stop_timer(turn: DeskTurn, escalation: Escalation) -> None:
    """The clock has one acceptance a mention: it has come when nothing of the mention climbs."""
    same = [known for known in turn.case.escalations if known.mention == escalation.mention]
    if turn.case.served is not None and all(known.climb == Climb.ACKNOWLEDGED for known in same):
        turn.stop_timer("escalation_ack", escalation.mention)


def _say(
    turn: DeskTurn,
    escalation: Escalation,
    kind: EscalationKind,
    *,
    by: str = "",
    reason: str | None = None,
    holding_reply: str | None = None,
) -> None:
    step = escalation.path[escalation.step]
    ended = kind in ("closed", "at_last_step")
    turn.events.append(
        EscalationChanged(
            id=derive_id("escalation_changed", escalation.id, kind, str(escalation.step), str(turn.at)),
            conversation=turn.key,
            escalation=escalation.id,
            kind=kind,
            trigger=escalation.trigger,
            mention=escalation.mention,
            step=escalation.step + 1,
            steps=len(escalation.path),
            role=step.role,
            team=step.team,
            channel=step.channel,
            until=None if ended else from_ms(escalation.until),
            holding_reply=holding_reply,
            by=by or None,
            reason=clipped(reason),
            at=from_ms(turn.at),
        )
    )
