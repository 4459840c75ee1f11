"""The fold of the desk: who has a conversation, who may answer it, what goes to the public, who is told when it burns.

Everything about a conversation is folded in one order, so a claim is exclusive, and a reply that lost a race is refused
before it is public. The rules of one conversation are pure: (state, record, the last tick, rules) -> (state, events,
timers). Time is a message, as in `domain/clock.py`: a tick at T does what falls before T.
"""

from collections.abc import Callable

from domain.authority import Refused
from domain.desk_commands import answered, known_answer, obey, remember, told
from domain.desk_inbound import (
    is_repeat,
    new_conversation,
    require_known_team,
    take_answer,
    take_message,
    take_verdict,
)
from domain.desk_moments import next_look, pass_moments, settle
from domain.desk_outcomes import take_outcome
from domain.desk_state import (
    VERSION,
    Answered,
    Kind,
    decode_conversation,
    encode_conversation,
)
from domain.desk_turn import DeskTurn, Rules, Step, log_time
from domain.instants import to_ms
from domain.peopled_states import PeopledStates
from domain.staff import Staff
from domain.state_head import count_of, kind_of
from schemas.desk_records import DeskCommand, DeskInbound, Person
from schemas.ids import derive_id
from schemas.outcomes import ReplyOutcome
from schemas.records import SlaEvent, Tick, TimerRespond

Said = DeskInbound | DeskCommand | SlaEvent | TimerRespond | ReplyOutcome
"""What is said of one conversation."""


def after_record(before: bytes | None, record: Said, now: int | None, rules: Rules) -> Step:
    """What a record makes of its conversation. `now` is the tick that was seen last, in milliseconds since 1970.

    A repeat changes nothing; of a command it has the answer again. Raises ValueError for a message that can't have been
    routed so, LookupError for a policy or calendar that is not known.
    """
    if isinstance(record, DeskCommand):
        return _after_command(before, record, log_time(now, record.sent_at), rules)
    if isinstance(record, DeskInbound):
        return _after_inbound(before, record, log_time(now, record.received_at), rules)
    if before is None:
        return Step(None, [], [])
    happened = record.responded_at if isinstance(record, TimerRespond) else record.at
    turn = DeskTurn(record.conversation, decode_conversation(before), log_time(now, happened), record.id, rules)
    return _done(turn) if _take(turn, record) else Step(before, [], [])


def after_moment(before: bytes, key: str, now: int, rules: Rules) -> Step:
    """What time alone makes of a conversation: all that falls before `now`."""
    turn = DeskTurn(key, decode_conversation(before), now, "", rules)
    if pass_moments(turn, now):
        return Step(_encoded(turn), turn.events, turn.timers)
    return Step(None, turn.events, turn.timers)


def after_people(before: bytes, key: str, now: int, rules: Rules) -> Step:
    """What it makes of a conversation that somebody has come or gone: the clock is told whether anybody is there."""
    turn = DeskTurn(key, decode_conversation(before), now, derive_id("people_changed", key, str(now)), rules)
    settle(turn)
    return Step(_encoded(turn), turn.events, turn.timers)


def _take(turn: DeskTurn, record: SlaEvent | TimerRespond | ReplyOutcome) -> bool:
    """Whether it was of any interest, and new."""
    if isinstance(record, SlaEvent):
        return take_verdict(turn, record)
    if isinstance(record, TimerRespond):
        return take_answer(turn, record)
    return take_outcome(turn, record)


def _after_inbound(before: bytes | None, inbound: DeskInbound, at: int, rules: Rules) -> Step:
    case = new_conversation(inbound, at) if before is None else decode_conversation(before)
    if is_repeat(case, inbound):
        return Step(before, [], [])
    require_known_team(inbound, rules.policy_of(inbound.policy))
    case.policy = inbound.policy
    turn = DeskTurn(inbound.conversation, case, at, inbound.id, rules)
    take_message(turn, inbound)
    case.touched = at
    return _done(turn)


def _after_command(before: bytes | None, command: DeskCommand, at: int, rules: Rules) -> Step:
    key = command.conversation
    if before is None:
        reason = "the desk has no such conversation; it never had, or has forgotten it"
        return Step(None, [told(key, answered(None, command, at, "unknown_conversation", reason))], [])
    case = decode_conversation(before)
    known = known_answer(case, command)
    if known is not None:
        return Step(before, [told(key, known)], [])
    turn = DeskTurn(key, case, at, command.id, rules)
    try:
        answer = obey(turn, command)
    except Refused as refused:
        turn = DeskTurn(key, decode_conversation(before), at, command.id, rules)
        answer = answered(turn.case, command, at, refused.code, refused.reason)
    return _done(turn, answer)


def _done(turn: DeskTurn, answer: Answered | None = None) -> Step:
    if answer is not None:
        remember(turn.case, answer)
        turn.events.insert(0, told(turn.key, answer))
    settle(turn)
    return Step(_encoded(turn), turn.events, turn.timers)


def _encoded(turn: DeskTurn) -> bytes:
    return encode_conversation(turn.case, next_look(turn.case, turn.key))


class Desk(PeopledStates):
    """One partition: its conversations, the people, and a timetable of what is next looked at when."""

    def __init__(self, new_rules: Callable[[Staff], Rules]) -> None:
        """`new_rules` makes the rules around the people that the desk keeps."""
        super().__init__(VERSION)
        self._people_changed = False
        """Since the last tick, as far as is known: looked into where it need not be, it changes nothing."""
        self._rules = new_rules(self._people)

    def fold(self, record: Said | Person | Tick) -> Step:
        """Takes in the next record of the partition and tells what came of it; the step's state is the record's own.

        Raises as `after_record` does; nothing has changed then.
        """
        if isinstance(record, Tick):
            return self._advance(to_ms(record.at))
        if isinstance(record, Person):
            self._people_changed |= self._know(record)
            return Step(None, [], [])
        key = record.conversation.encode()
        before = self._states.get(key)
        step = after_record(before, record, self._last_tick, self._rules)
        if step.state is not before:
            self._put(key, step.state)
        return step

    def restored(self) -> None:
        super().restored()
        self._people_changed = True

    def _advance(self, now: int) -> Step:
        keys = self._take_due(now)
        steps = [after_moment(self._states[key], key.decode(), now, self._rules) for key in keys]
        for key, step in zip(keys, steps, strict=True):
            self._put(key, step.state)
        if self._people_changed and now == self._last_tick:
            self._people_changed = False
            steps += self._look_at_waiting(now - 1)  # a tick does what falls before it
        events = [event for step in steps for event in step.events]
        timers = [timer for step in steps for timer in step.timers]
        return Step(None, events, timers)

    def _look_at_waiting(self, now: int) -> list[Step]:
        """People have changed: who waits may have somebody there now, or nobody any more."""
        found = []
        for key, before in list(self._states.items()):
            if kind_of(before) == Kind.CONVERSATION and count_of(before):
                step = after_people(before, key.decode(), now, self._rules)
                if step.state != before:
                    self._put(key, step.state)
                    found.append(step)
        return found
