"""An edited policy for cycles that already run, asked for by a person: a change a mention, recorded with its reason."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from domain.cycle_state import Case, Cycle, Status
from domain.policy import Policy
from domain.targets import Offset
from schemas.ids import derive_id
from schemas.records import SlaTarget, TargetMinutes, TimerSupersede

_RECOMPUTED: Final[frozenset[SlaTarget]] = frozenset({"first_response", "next_response", "resolution"})


def recomputed(conversation: str, case: Case, policy: Policy, at: datetime, reason: str) -> Iterator[TimerSupersede]:
    """What the policy makes of the open cycles that another version decided.

    A target that it no longer has, a team or a type that it no longer knows, leaves the cycle as it is. Priorities are
    those of the types.
    """
    by_mention: dict[str, list[Cycle]] = {}
    for cycle in case.cycles:
        stale = cycle.policy != policy.version and cycle.status != Status.BREACHED
        if stale and cycle.target in _RECOMPUTED and cycle.team in policy.teams and cycle.type in policy.answers:
            by_mention.setdefault(cycle.mention, []).append(cycle)
    for mention, cycles in by_mention.items():
        targets = tuple(target for cycle in cycles if (target := _target(cycle, policy)) is not None)
        if targets:
            first = cycles[0]
            yield TimerSupersede(
                id=derive_id("timer_supersede", mention, policy.version),
                conversation=conversation,
                mention=mention,
                type=first.type,
                team=first.team,
                policy=policy.version,
                calendar=_promise_calendar(first, policy),
                targets=targets,
                superseded_at=at,
                reason=reason,
            )


def _promise_calendar(cycle: Cycle, policy: Policy) -> str:
    return policy.promise(cycle.type, cycle.team, policy.answers[cycle.type].priority).calendar


def _target(cycle: Cycle, policy: Policy) -> TargetMinutes | None:
    promise = policy.promise(cycle.type, cycle.team, policy.answers[cycle.type].priority)
    if cycle.target == "resolution":
        return promise.resolution
    found = promise.first_response if cycle.target == "first_response" else promise.next_response
    return None if found is None else _minutes(cycle.target, found)


def _minutes(target: SlaTarget, found: Offset) -> TargetMinutes:
    due = int(found.due.total_seconds() // 60)
    risks = sorted({int(risk.total_seconds() // 60) for risk in found.risks} - {due})
    return TargetMinutes(target=target, minutes=due, at_risk=tuple(risks))
