"""What the desk tells the clock: done, cancelled, superseded, owned. Times in milliseconds since 1970."""

from typing import Final

from domain.cycle_state import Cycle, Kind, Ownership, Status, decode_case, encode_case
from domain.cycles import Step, forget_at
from domain.instants import to_ms
from domain.state_head import kind_of
from domain.turn import RESPONSES, Turn
from domain.working_time import WorkingTime, risk_moments
from schemas.records import TargetMinutes, TimerCancel, TimerOwner, TimerStop, TimerSupersede

REMEMBERED_OWNERS: Final = 8
"""Changes of owner, the latest: the cause of a miss looks back from the due time."""
REMEMBERED_CANCELLED: Final = 32
"""Of a case."""

_MINUTE_MS: Final = 60_000
Word = TimerStop | TimerCancel | TimerSupersede | TimerOwner


def after_word(before: bytes | None, word: Word, now: int | None, time: WorkingTime) -> Step:
    """A word about a conversation without a case changes nothing: the log has the case's start before it."""
    if before is None or kind_of(before) == Kind.REPLIES:
        return Step(before, [])
    turn = Turn(word.conversation, decode_case(before), now, time)
    if isinstance(word, TimerStop):
        changed, at = _stop(turn, word), to_ms(word.stopped_at)
    elif isinstance(word, TimerCancel):
        changed, at = _cancel(turn, word), to_ms(word.cancelled_at)
    elif isinstance(word, TimerSupersede):
        changed, at = _supersede(turn, word), to_ms(word.superseded_at)
    else:
        changed, at = _own(turn, word), to_ms(word.since)
    if not changed:
        return Step(before, [])
    turn.settle()
    return Step(encode_case(turn.case, forget_at(at, now)), turn.events)


def _stop(turn: Turn, word: TimerStop) -> bool:
    at, case = to_ms(word.stopped_at), turn.case
    resolves = word.target == "resolution"
    if resolves and (word.mention != case.opened or case.resolved_at is not None):
        return False
    found = [cycle for cycle in case.cycles if cycle.target == word.target and cycle.mention == word.mention]
    for cycle in found:
        _finish(turn, cycle, at)
    if resolves:
        case.resolved_at = at
    return resolves or bool(found)


def _finish(turn: Turn, cycle: Cycle, at: int) -> None:
    at = max(at, cycle.started)
    if cycle.status == Status.PAUSED:  # nothing ran: it is in time, whenever
        turn.end(cycle, "met", at, elapsed=cycle.elapsed)
    elif cycle.status == Status.RUNNING:
        turn.finish(cycle, at)
    elif at <= cycle.due:
        turn.correct_stopped(cycle, at)
    if cycle.target != "resolution":
        turn.remember_ended(cycle, at)
        if cycle in turn.case.cycles:  # breached, and over now
            turn.case.cycles.remove(cycle)


def _cancel(turn: Turn, word: TimerCancel) -> bool:
    """Whoever waited for an answer to this mention no longer does; a message behind it may."""
    at, case = to_ms(word.cancelled_at), turn.case
    own = [cycle for cycle in case.cycles if cycle.mention == word.mention]
    pending = [cycle for cycle in case.pending if cycle.mention != word.mention]
    if not own and len(pending) == len(case.pending):
        return False
    case.pending = pending
    if word.mention not in case.cancelled:
        case.cancelled = [*case.cancelled, word.mention][-REMEMBERED_CANCELLED:]
    for cycle in own:
        if cycle.status == Status.RUNNING and cycle.due < at:
            turn.breach(cycle)
        if cycle.status != Status.BREACHED:
            turn.end(cycle, "cancelled", max(at, cycle.started), elapsed=_elapsed(turn, cycle, at), reason=word.reason)
            if cycle.target not in (*RESPONSES, "resolution"):
                turn.remember_ended(cycle, at)
        if cycle.target in RESPONSES and case.waiting_since == cycle.started:
            case.waiting_since = None
            case.answered_until = max(cycle.started, case.answered_until or cycle.started)
    turn.next_pending()
    if word.mention == case.opened and case.waiting_since is None:
        case.opened = ""  # there was no case: the next message opens one
    return True


def _supersede(turn: Turn, word: TimerSupersede) -> bool:
    at, targets = to_ms(word.superseded_at), {target.target: target for target in word.targets}
    found = [
        cycle
        for cycle in turn.case.cycles
        if cycle.mention == word.mention
        and cycle.target in targets
        and cycle.status != Status.BREACHED
        and cycle.origin != word.id
    ]
    for cycle in found:
        if cycle.status == Status.RUNNING and cycle.due < at:
            turn.breach(cycle)
            continue
        after = _successor(turn, cycle, targets[cycle.target], word)
        if turn.knows(after):  # repeated behind another that superseded it
            continue
        turn.remember_ended(cycle, at)
        turn.end(cycle, "superseded", max(at, cycle.started), elapsed=after.elapsed, reason=word.reason)
        turn.open(after)
    return bool(found)


def _successor(turn: Turn, cycle: Cycle, target: TargetMinutes, word: TimerSupersede) -> Cycle:
    """The time that has elapsed counts on. A cycle whose new target is used up is due at once."""
    at = max(to_ms(word.superseded_at), cycle.since)
    elapsed = _elapsed(turn, cycle, at)
    budget, levels = target.minutes * _MINUTE_MS, [level * _MINUTE_MS for level in target.at_risk]
    running = cycle.status == Status.RUNNING
    due = turn.time.add(word.calendar, at, max(0, budget - elapsed))
    return Cycle(
        target=cycle.target,
        mention=cycle.mention,
        brand=cycle.brand,
        type=word.type,
        team=word.team,
        policy=word.policy,
        calendar=word.calendar,
        started=cycle.started,
        due=due,
        risks=risk_moments(turn.time, word.calendar, at, elapsed, [n for n in levels if n < budget]) if running else [],
        budget=budget,
        levels=levels,
        elapsed=elapsed,
        since=at if running else cycle.since,
        status=cycle.status,
        told=sum(level <= elapsed for level in levels),
        origin=word.id,
        priority=cycle.priority if word.priority is None else word.priority,
    )


def _elapsed(turn: Turn, cycle: Cycle, at: int) -> int:
    if cycle.status == Status.PAUSED:
        return cycle.elapsed
    return cycle.elapsed + turn.time.between(cycle.calendar, cycle.since, at)


def _own(turn: Turn, word: TimerOwner) -> bool:
    fact = Ownership(to_ms(word.since), word.owner, word.on_shift)
    owners = turn.case.owners
    if fact in owners:
        return False
    turn.case.owners = sorted([*owners, fact], key=lambda known: known.since)[-REMEMBERED_OWNERS:]
    return True
