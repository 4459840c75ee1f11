"""The cycles of one conversation: what a message, a reply, a word from the desk, or the passing of time makes of them.

A customer's first message opens a case with its `first_response`, and with a `resolution` if the policy has one. Once
that is answered, the first message that asks for an answer starts a `next_response`. A response gets one verdict: `met`
by the brand's first public reply, by a person, at or after its start and at or before its due time, or else `breached`.
A reply at the due time is in time. A resolution pauses from such a reply to the message that starts the next response.
All times are milliseconds since 1970; `now` is the tick that was seen last, None before the first.
"""

from typing import Final, NamedTuple

from domain.cycle_state import (
    Case,
    Cycle,
    Kind,
    Reply,
    Status,
    decode_case,
    decode_replies,
    encode_case,
    encode_replies,
)
from domain.instants import to_ms
from domain.state_head import kind_of, moment_of
from domain.turn import RESPONSES, Turn
from domain.working_time import WorkingTime, risk_moments
from schemas.records import SlaEvent, SlaTarget, TargetMinutes, TimerRespond, TimerStart

REMEMBERED_MS: Final = 8 * 24 * 3_600_000
"""Eight days: how long a case in which nothing runs is kept, and an early reply waits for its question."""
REMEMBERED_REPLIES: Final = 32
"""Replies kept of a conversation without a case, the latest; a brand may post there without end."""
REMEMBERED_MESSAGES: Final = 32
"""Messages kept behind one that waits. Of more, the last takes the place of the one before."""

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 24 * 3_600_000


class Step(NamedTuple):
    """What a record made of a conversation. If the state is the very one from before, nothing changed."""

    state: bytes | None
    events: list[SlaEvent]


def after_start(before: bytes | None, start: TimerStart, now: int | None, time: WorkingTime) -> Step:
    """Opens a case, starts a later response or a desk target, or notes that the customer wrote again.

    A repeated start changes nothing. Raises ValueError if its times are out of order.
    """
    cycle = _cycle_of(start, time)
    if start.target not in RESPONSES:
        return _after_desk_start(before, start, cycle, now, time)
    if before is None or kind_of(before) == Kind.REPLIES:
        turn = Turn(start.conversation, Case(start.mention), now, time)
        _open_case(turn, start, cycle)
        for reply in decode_replies(before) if before is not None else []:
            if reply.at >= cycle.started:
                turn.answer(reply)
        turn.settle()
        return _done(turn, cycle.started)
    turn = Turn(start.conversation, decode_case(before), now, time)
    if not _after_message(turn, start, cycle):
        return Step(before, [])
    turn.settle()
    return _done(turn, cycle.started)


def after_respond(before: bytes | None, respond: TimerRespond, now: int | None, time: WorkingTime) -> Step:
    """Takes in a reply of the brand; an automatic one answers nothing. Without a case it is remembered."""
    if respond.automatic:
        return Step(before, [])
    reply = Reply(to_ms(respond.responded_at), respond.reply)
    if before is None or kind_of(before) == Kind.REPLIES:
        return Step(_remember(before, reply, now), [])
    turn = Turn(respond.conversation, decode_case(before), now, time)
    if _is_old_news(turn.case, reply):
        return Step(before, [])
    turn.answer(reply)
    turn.settle()
    return _done(turn, reply.at)


def after_moment(before: bytes, conversation: str, now: int, time: WorkingTime) -> Step:
    """What time alone does: `at_risk`, `breached` (alone, if both have passed), or forgetting.

    A resolution that is paused when the case is forgotten is met: the customer had nothing to add.
    """
    if kind_of(before) == Kind.REPLIES:
        return Step(None, [])
    turn = Turn(conversation, decode_case(before), now, time)
    running = turn.running()
    if not running and moment_of(before) < now:
        for cycle in [cycle for cycle in turn.case.cycles if cycle.status == Status.PAUSED]:
            turn.end(cycle, "met", cycle.since, elapsed=cycle.elapsed)
        return Step(None, turn.events)
    for cycle in running:
        if cycle.due < now:
            turn.breach(cycle)
        elif cycle.risks and cycle.risks[0] < now:
            turn.warn(cycle)
    return _done(turn, now)


def _open_case(turn: Turn, start: TimerStart, cycle: Cycle, linked: str = "") -> None:
    turn.case.opened, turn.case.linked = start.mention, linked
    turn.case.reopen_ms = (start.reopen_days or 0) * _DAY_MS
    turn.wait(cycle, linked=linked)
    if start.resolution is not None:
        turn.open(_counted(start, start.resolution, cycle.started, turn.time), linked=linked)


def _after_message(turn: Turn, start: TimerStart, cycle: Cycle) -> bool:
    """A message in a conversation that has a case; whether it changed anything."""
    case = turn.case
    if start.mention in case.cancelled or (case.answered_until is not None and cycle.started <= case.answered_until):
        return False
    if not case.opened:  # only the desk's own targets so far, or the case was cancelled
        _open_case(turn, start, cycle)
        return True
    if case.waiting_since is None and case.resolved_at is not None and cycle.started > _reopens_until(case):
        earlier, case.resolved_at = case.opened, None
        _open_case(turn, start, cycle, linked=earlier)
        return True
    following = _next_response(start, turn.time)
    if following is None or cycle.started < (case.waiting_since or cycle.started):
        return False
    if case.waiting_since is None:
        turn.take_up(following)
        return True
    return _put_behind(case, following)


def _put_behind(case: Case, following: Cycle) -> bool:
    known = (cycle.mention for cycle in [*case.cycles, *case.pending] if cycle.target in RESPONSES)
    if following.mention in known:
        return False
    kept = sorted([*case.pending, following], key=lambda cycle: cycle.started)
    case.pending = [*kept[: REMEMBERED_MESSAGES - 1], kept[-1]] if len(kept) > REMEMBERED_MESSAGES else kept
    return True


def _reopens_until(case: Case) -> int:
    assert case.resolved_at is not None
    return case.resolved_at + case.reopen_ms


def _is_old_news(case: Case, reply: Reply) -> bool:
    """Whether a reply neither answers nor corrects, and is not later than what is known."""
    corrects = any(c.status == Status.BREACHED and c.since <= reply.at <= c.due for c in case.cycles)
    answers = case.waiting_since is not None and reply.at >= case.waiting_since
    return not corrects and not answers and case.answered_until is not None and reply.at <= case.answered_until


def _after_desk_start(
    before: bytes | None, start: TimerStart, cycle: Cycle, now: int | None, time: WorkingTime
) -> Step:
    if start.target == "resolution":
        raise ValueError(f"timer start {start.id}: a resolution starts with its case, not alone")
    if before is not None and kind_of(before) == Kind.REPLIES:
        return Step(before, [])  # the desk acts on mentions that have a clock; this one's has been forgotten
    turn = Turn(start.conversation, decode_case(before) if before is not None else Case(""), now, time)
    if turn.knows(cycle):
        return Step(before, [])
    turn.open(cycle)
    turn.settle()
    return _done(turn, cycle.started)


def _cycle_of(start: TimerStart, time: WorkingTime) -> Cycle:
    risks = [to_ms(moment) for moment in (start.at_risk_at, *start.at_risk_again)]
    return _timed(start, start.target, risks, to_ms(start.due_at), time)


def _next_response(start: TimerStart, time: WorkingTime) -> Cycle | None:
    times = start.next_response
    if times is None:
        return None
    risks = [to_ms(moment) for moment in (times.at_risk_at, *times.at_risk_again)]
    return _timed(start, "next_response", risks, to_ms(times.due_at), time)


def _timed(start: TimerStart, target: SlaTarget, risks: list[int], due: int, time: WorkingTime) -> Cycle:
    """A cycle that never pauses: its times are found by whoever starts it."""
    started = to_ms(start.started_at)
    moments = [started, *risks, due]
    if sorted(moments) != moments:
        raise ValueError(f"timer start {start.id}: its times are out of order: they must be start, at risk, due")
    said = start.minutes if target == start.target else None
    budget = time.between(start.calendar, started, due) if said is None else said * _MINUTE_MS
    return _cycle(start, target, due, risks, budget, [])


def _counted(start: TimerStart, target: TargetMinutes, at: int, time: WorkingTime) -> Cycle:
    """A cycle that may pause: its times are found here, again and again."""
    budget, levels = target.minutes * _MINUTE_MS, [level * _MINUTE_MS for level in target.at_risk]
    due = time.add(start.calendar, at, budget)
    return _cycle(start, target.target, due, risk_moments(time, start.calendar, at, 0, levels), budget, levels)


def _cycle(start: TimerStart, target: SlaTarget, due: int, risks: list[int], budget: int, levels: list[int]) -> Cycle:
    started = to_ms(start.started_at)
    return Cycle(
        target=target,
        mention=start.mention,
        brand=start.brand,
        type=start.type,
        team=start.team,
        policy=start.policy,
        calendar=start.calendar,
        started=started,
        due=due,
        risks=risks,
        budget=budget,
        levels=levels,
        elapsed=0,
        since=started,
        late_ingest=start.received_at is not None and to_ms(start.received_at) > due,
        priority=start.priority,
    )


def _remember(state: bytes | None, reply: Reply, now: int | None) -> bytes:
    replies = decode_replies(state) if state is not None else []
    if state is not None and reply in replies:
        return state
    latest = sorted([*replies, reply])[-REMEMBERED_REPLIES:]
    return encode_replies(latest, forget_at(reply.at, now))


def _done(turn: Turn, at: int) -> Step:
    return Step(encode_case(turn.case, forget_at(at, turn.now)), turn.events)


def forget_at(at: int, now: int | None) -> int:
    """When what happened at `at` is no longer remembered."""
    return (at if now is None else now) + REMEMBERED_MS
