"""Commands of people: who may, what it does, and the answer, which a repeat gets again."""

from typing import Final, assert_never

from domain import desk_claims, desk_replies
from domain.authority import Refused, require, role_of
from domain.desk_review import label
from domain.desk_state import Answered, Conversation, Status
from domain.desk_turn import DeskTurn, clipped
from domain.escalations import acknowledge
from domain.instants import from_ms, to_ms
from schemas.desk_events import AnswerCode, DeskAnswer, Fence
from schemas.desk_records import (
    Acknowledge,
    Approve,
    Assign,
    Claim,
    DeskCommand,
    Label,
    Note,
    Reject,
    Release,
    Reopen,
    Reply,
    Resolve,
    Snooze,
    TakeOver,
    Undo,
)
from schemas.ids import derive_id

REMEMBERED_ANSWERS: Final = 64
ACCEPTED: Final[frozenset[AnswerCode]] = frozenset({"accepted", "held_for_approval"})
STALE_MS: Final = 7 * 24 * 3_600_000
"""Seven days: a day less than the conversation and its answers are kept, so that nothing is ever done twice."""
_DAY_MS: Final = 24 * 3_600_000


def known_answer(case: Conversation, command: DeskCommand) -> Answered | None:
    """What a command with this id has been told."""
    return next((answer for answer in case.answers if answer.command == command.id), None)


def obey(turn: DeskTurn, command: DeskCommand) -> Answered:
    """Does what it asks for. Raises Refused, and may have changed the turn halfway then: start another."""
    action, by, case = command.action, command.by, turn.case
    sent = to_ms(command.sent_at)
    if sent < turn.at - STALE_MS or (case.answers_until is not None and sent <= case.answers_until):
        raise Refused("stale", "the command was sent too long ago to be told from a repeat; send it anew")
    require(action.do, by, role_of(by, turn.rules.people, turn.policy))
    code = _act(turn, command)
    if by == case.owner:
        case.owner_acted = turn.at
    reply = case.draft.id if isinstance(action, Reply) and case.draft is not None else ""
    reason = "done" if code == "accepted" else "the reply waits for approval: it promises more than its author may"
    return answered(case, command, turn.at, code, reason, reply)


def answered(
    case: Conversation | None, command: DeskCommand, at: int, code: AnswerCode, reason: str, reply: str = ""
) -> Answered:
    """The answer, with the fence as it stands now."""
    held = None if case is None else case.claim
    return Answered(
        command=command.id,
        action=command.action.do,
        by=command.by,
        sent=to_ms(command.sent_at),
        at=at,
        code=code,
        reason=clipped(reason) or "",
        token="" if held is None else held.token,
        holder="" if held is None else held.holder,
        expires=0 if held is None else held.expires,
        last_inbound="" if case is None else case.last_inbound,
        last_reply="" if case is None else case.last_reply,
        reply=reply,
    )


def remember(case: Conversation, answer: Answered) -> None:
    """Keeps those of the commands that were sent last, refused ones too."""
    case.touched = max(case.touched, answer.at)
    case.answers = sorted([*case.answers, answer], key=lambda known: known.sent)
    if len(case.answers) > REMEMBERED_ANSWERS:
        case.answers_until = max(case.answers.pop(0).sent, case.answers_until or 0)


def told(key: str, answer: Answered) -> DeskAnswer:
    """The answer as it travels."""
    fence = None
    if answer.last_inbound:
        fence = Fence(
            token=answer.token or None,
            holder=answer.holder or None,
            expires_at=from_ms(answer.expires) if answer.token else None,
            last_inbound=answer.last_inbound,
            last_reply=answer.last_reply or None,
        )
    return DeskAnswer(
        id=derive_id("desk_answer", key, answer.command),
        conversation=key,
        command=answer.command,
        action=answer.action,
        by=answer.by,
        accepted=answer.code in ACCEPTED,
        code=answer.code,
        reason=answer.reason,
        fence=fence,
        reply=answer.reply or None,
        at=from_ms(answer.at),
    )


def _act(turn: DeskTurn, command: DeskCommand) -> AnswerCode:
    by = command.by
    match command.action:
        case Claim():
            desk_claims.claim(turn, by)
        case Release():
            desk_claims.release(turn, by)
        case TakeOver(reason=reason):
            desk_claims.take_over(turn, by, reason)
        case Assign(to=to):
            desk_claims.assign(turn, by, to)
        case Reply() as reply:
            return desk_replies.accept_reply(turn, by, reply)
        case Undo(reply=id_):
            desk_replies.undo(turn, by, id_)
        case Approve(reply=id_):
            desk_replies.approve(turn, by, id_)
        case Reject(reply=id_, reason=reason):
            desk_replies.reject(turn, by, id_, reason)
        case Label() as given:
            label(turn, by, given)
        case Acknowledge(escalation=id_):
            acknowledge(turn, id_, by)
        case Note(text=text):
            turn.tell("noted", by=by, text=text)
        case Resolve(last_inbound=seen):
            _resolve(turn, by, seen)
        case Reopen():
            _reopen(turn, by)
        case Snooze() as snooze:
            _snooze(turn, by, to_ms(snooze.until))
        case other:
            assert_never(other)
    return "accepted"


def _resolve(turn: DeskTurn, by: str, seen: str) -> None:
    desk_claims.require_open(turn)
    desk_claims.require_nobody_else(turn, by)
    desk_replies.require_seen(turn, seen)
    case = turn.case
    if case.draft is not None:
        raise Refused("reply_pending", f"a reply by {case.draft.author} is under way; undo it, or wait for it")
    desk_claims.end(turn, Status.RESOLVED, "the conversation is resolved")
    case.ended = turn.at
    turn.stop_timer("resolution", case.opened)
    turn.tell("resolved", by=by)


def _reopen(turn: DeskTurn, by: str) -> None:
    if turn.case.status == Status.OPEN:
        raise Refused("not_closed", "the conversation is open")
    if turn.case.status == Status.SPAM:
        desk_claims.require_open(turn)
    turn.case.status = Status.OPEN
    turn.tell("reopened", by=by)


def _snooze(turn: DeskTurn, by: str, until: int) -> None:
    desk_claims.require_open(turn)
    desk_claims.require_nobody_else(turn, by)
    days = turn.policy.claims.snooze_days
    if not turn.at < until <= turn.at + days * _DAY_MS:
        raise Refused("bad_time", f"a conversation can be snoozed until a moment in the next {days} days")
    turn.case.snoozed_until, turn.case.snoozed_by = until, turn.cause
    turn.tell("snoozed", by=by)
