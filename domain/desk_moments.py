"""What time alone does to a conversation of the desk, in the order of its moments, however seldom time ticks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from domain.desk_claims import end, expire, lose_to_queue
from domain.desk_replies import hand_on
from domain.desk_state import Conversation, Status
from domain.desk_turn import MINUTE_MS, DeskTurn
from domain.escalations import next_moment, pass_moment
from domain.state_head import NEVER
from schemas.ids import derive_id

REMEMBERED_MS: Final = 8 * 24 * 3_600_000
"""Eight days: an open conversation in which nothing is to be done rests so long before it ends by itself, and one that
has ended is forgotten so long after."""


class Due(NamedTuple):
    """Something that time brings about. Of what falls on one moment, the first in the order of `_due` comes first."""

    moment: int
    cause: str
    happen: Callable[[DeskTurn], None]


def settle(turn: DeskTurn) -> None:
    """Finds anew what time will bring about, after what has happened."""
    _settle_silence(turn)
    _settle_shift(turn)


def _settle_silence(turn: DeskTurn) -> None:
    """Until when the owner may be silent: while the customer waits, and the answer is theirs to give."""
    case, since = turn.case, turn.case.waiting_since()
    owed = case.status == Status.OPEN and case.owner and case.draft is None and case.snoozed_until is None
    if not owed or since is None:
        case.silent_at = None
        return
    start = max(since, case.owned_since, case.owner_acted)
    length = turn.policy.claims.owner_silent_minutes * MINUTE_MS
    case.silent_at = turn.rules.time.add(turn.team_calendar(), start, length)


def _settle_shift(turn: DeskTurn) -> None:
    """Whether anybody could take it, while the customer waits; the clock is told of a change."""
    case = turn.case
    if case.status != Status.OPEN or case.waiting_since() is None:
        case.shift_changes = None
        return
    there, case.shift_changes = turn.cover()
    if there != case.on_shift:
        turn.tell_owner(on_shift=there)


def next_look(case: Conversation, key: str) -> int:
    """When time next does something to the conversation."""
    return min([due.moment for due in _due(case, key)], default=_forgotten_at(case))


def pass_moments(turn: DeskTurn, now: int) -> bool:
    """All that falls before `now`; False if the conversation is then forgotten."""
    while True:
        due = min(_due(turn.case, turn.key), key=lambda due: due.moment, default=None)
        if due is None:
            return _forgotten_at(turn.case) >= now
        if due.moment >= now:
            return True
        turn.moved_to(due.moment, due.cause)
        due.happen(turn)
        turn.case.touched = due.moment
        settle(turn)


def _due(case: Conversation, key: str) -> Iterator[Due]:
    draft, held = case.draft, case.claim
    if draft is not None and draft.ready is not None:
        yield Due(draft.ready, draft.id, hand_on)
    if held is not None:
        yield Due(held.expires, held.token, expire)
    if case.snoozed_until is not None:
        yield Due(case.snoozed_until, case.snoozed_by, _wake)
    if case.silent_at is not None:
        cause = derive_id("owner_silent", key, case.owner, str(case.silent_at))
        yield Due(case.silent_at, cause, lose_to_queue)
    for escalation in case.escalations:
        yield Due(next_moment(escalation), escalation.id, partial(pass_moment, escalation=escalation))
    if case.shift_changes is not None:
        yield Due(case.shift_changes, derive_id("shift_changes", key, str(case.shift_changes)), _look_again)
    if _rests(case):
        yield Due(case.touched + REMEMBERED_MS, derive_id("fell_quiet", key, str(case.touched)), _fall_quiet)


def _forgotten_at(case: Conversation) -> int:
    """What is open is never forgotten."""
    return NEVER if case.status == Status.OPEN else case.touched + REMEMBERED_MS


def _rests(case: Conversation) -> bool:
    """Whether nothing is to be done in an open conversation."""
    busy = case.draft or case.claim or case.escalations or case.in_review() or case.snoozed_until is not None
    return case.status == Status.OPEN and not busy and case.waiting_since() is None


def _look_again(turn: DeskTurn) -> None:
    """Settling says who is on shift."""


def _wake(turn: DeskTurn) -> None:
    turn.case.snoozed_until, turn.case.snoozed_by = None, ""
    turn.tell("woken")


def _fall_quiet(turn: DeskTurn) -> None:
    reason = "the customer has nothing to add"
    end(turn, Status.RESOLVED, reason)
    turn.case.ended = turn.at
    turn.tell("fell_quiet", reason=reason)
