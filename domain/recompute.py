"""An edited policy for cycles that already run, asked for by a person: a change a mention, recorded with its reason."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from domain.cycle_state import Case, Cycle, Status
from domain.policy import Policy
from domain.targets import Promise, whole_minutes
from schemas.ids import derive_id
from schemas.records import SlaTarget, TargetMinutes, TimerSupersede

_RECOMPUTED: Final[frozenset[SlaTarget]] = frozenset({"first_response", "next_response", "resolution"})


def recomputed(conversation: str, case: Case, policy: Policy, at: datetime, reason: str) -> Iterator[TimerSupersede]:
    """What the policy makes of the open cycles that another version decided.

    A target that it no longer has, a team or a type that it no longer knows, leaves the cycle as it is. Type, team and
    priority stay those of the mention. Asked again before the clock has heard of it, the same ids come: the id derives
    from the mention, the record that decided before, and the policy.
    """
    decided_together: dict[tuple[str, str], list[Cycle]] = {}
    for cycle in case.cycles:
        stale = cycle.policy != policy.version and cycle.status != Status.BREACHED
        if stale and cycle.target in _RECOMPUTED and cycle.team in policy.teams and cycle.type in policy.answers:
            decided_together.setdefault((cycle.mention, cycle.origin), []).append(cycle)
    for (mention, origin), cycles in decided_together.items():
        first = cycles[0]
        promise = _promise(first, policy)
        targets = tuple(target for cycle in cycles if (target := _target(cycle, promise)) is not None)
        if targets:
            yield TimerSupersede(
                id=derive_id("timer_supersede", mention, origin, policy.version),
                conversation=conversation,
                mention=mention,
                type=first.type,
                team=first.team,
                policy=policy.version,
                calendar=promise.calendar,
                targets=targets,
                superseded_at=at,
                reason=reason,
                priority=first.priority,
            )


def _promise(cycle: Cycle, policy: Policy) -> Promise:
    priority = policy.answers[cycle.type].priority if cycle.priority is None else cycle.priority
    return policy.promise(cycle.type, cycle.team, priority)


def _target(cycle: Cycle, promise: Promise) -> TargetMinutes | None:
    if cycle.target == "resolution":
        return promise.resolution
    found = promise.first_response if cycle.target == "first_response" else promise.next_response
    return None if found is None else whole_minutes(cycle.target, found)
