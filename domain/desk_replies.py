"""Replies, from the fence to the hand-over: at most one is under way, and what changes the conversation withdraws it.

A reply is accepted if its author holds the claim that its token names, has seen the customer's last message, and
knows of the answer that this message has already, if it has one. It is handed on after the undo window if until then
the customer has not written and nobody has taken the conversation over. What promises more than its author may is held
until somebody approves it who may.
"""

from typing import Final

from domain.authority import Refused, excess, role_of
from domain.desk_state import Draft, Handed, Promise, Status
from domain.desk_turn import DeskTurn
from domain.escalations import ANSWERED, close, start
from domain.instants import from_ms
from schemas.desk_events import AnswerCode, ReplyToPublish
from schemas.desk_records import Reply
from schemas.ids import derive_id

SECOND_MS = 1000
REMEMBERED_HANDED: Final = 32


def accept_reply(turn: DeskTurn, by: str, action: Reply) -> AnswerCode:
    """Raises Refused where the fence does not hold."""
    _require_fence(turn, by, action)
    promises = [Promise(one.action, one.amount, one.currency) for one in action.promises]
    more = excess(promises, role_of(by, turn.rules.people, turn.policy))
    ready = _ready(turn) if more is None else None
    id_ = derive_id("reply", turn.cause)
    draft = Draft(id_, by, action.text, promises, action.last_inbound, ready, command=turn.cause)
    turn.case.draft = draft
    if more is None:
        turn.tell("reply_accepted", by=by, reply=draft.id, text=draft.text, promises=action.promises)
        return "accepted"
    turn.tell("reply_held", by=by, reason=more, reply=draft.id, text=draft.text, promises=action.promises)
    turn.start_timer("approval", draft.mention)
    start(turn, "above_authority", draft.mention, draft.id)
    return "held_for_approval"


def undo(turn: DeskTurn, by: str, reply: str) -> None:
    """Raises Refused for anybody but the author and whoever holds the conversation."""
    draft, held = _draft(turn, reply), turn.case.claim
    if by != draft.author and (held is None or held.holder != by):
        raise Refused("not_allowed", f"the reply is {draft.author}'s; whoever holds the conversation may undo it too")
    _drop(turn, "the reply was taken back")
    turn.tell("reply_undone", by=by, reply=draft.id, command=draft.command)


def approve(turn: DeskTurn, by: str, reply: str) -> None:
    """Raises Refused for the author, and for somebody who may not promise as much."""
    draft = _held(turn, reply, by)
    more = excess(draft.promises, role_of(by, turn.rules.people, turn.policy))
    if more is not None:
        raise Refused("above_authority", f"the reply {more}, more than {by} may approve")
    draft.ready, draft.approved_by = _ready(turn), by
    _end_approval(turn, draft, f"{by} has approved the reply")
    turn.tell("reply_approved", by=by, reply=draft.id)


def reject(turn: DeskTurn, by: str, reply: str, reason: str) -> None:
    """Raises Refused for the author, who may undo instead."""
    draft = _held(turn, reply, by)
    _drop(turn, f"{by} has rejected the reply")
    turn.tell("reply_rejected", by=by, reply=draft.id, command=draft.command, reason=reason)


def hand_on(turn: DeskTurn) -> None:
    """The undo window is over: the reply goes to the public."""
    draft = turn.case.draft
    assert draft is not None
    turn.case.draft = None
    turn.events.append(
        ReplyToPublish(
            id=draft.id,
            conversation=turn.key,
            brand=turn.case.brand,
            mention=draft.mention,
            text=draft.text,
            author=draft.author,
            approved_by=draft.approved_by or None,
            at=from_ms(turn.at),
        )
    )
    turn.case.owner_acted = turn.at
    _set_out(turn, draft)
    for message in turn.case.messages:
        message.waits = False
    be_answered(turn, draft.id)
    turn.tell("reply_handed_on", by=draft.author, reply=draft.id, command=draft.command)


def be_answered(turn: DeskTurn, reply: str) -> None:
    """The last message has got its answer."""
    turn.case.last_reply = reply
    close(turn, "the customer has an answer", ANSWERED)


def withdraw(turn: DeskTurn, reason: str, unless_by: str = "") -> None:
    """Takes back what is not public yet, if anything, because the conversation has changed."""
    draft = turn.case.draft
    if draft is not None and draft.author != unless_by:
        _drop(turn, reason)
        turn.tell("reply_withdrawn", by=draft.author, reply=draft.id, command=draft.command, reason=reason)


def _set_out(turn: DeskTurn, draft: Draft) -> None:
    """Remembers what to do should it not become public."""
    case = turn.case
    waiting = [message.mention for message in case.messages if message.waits]
    until = max((message.posted for message in case.messages), default=0)
    owed = [(known.trigger, known.mention) for known in case.escalations if known.trigger in ANSWERED]
    handed = Handed(draft.id, draft.author, waiting or [draft.mention], until, case.last_reply, owed)
    case.handed = [*case.handed, handed][-REMEMBERED_HANDED:]


def _require_fence(turn: DeskTurn, by: str, action: Reply) -> None:
    case, held = turn.case, turn.case.claim
    if case.status != Status.OPEN:
        raise Refused("closed", "the conversation is closed; reopen it first")
    if held is None:
        raise Refused("no_claim", f"{by} does not hold the conversation any more; claim it again")
    if held.holder != by and action.token != held.token:
        raise Refused("claimed_by_other", f"{held.holder} has claimed the conversation since")
    if held.holder != by or action.token != held.token:
        raise Refused("wrong_token", f"the token is not that of a claim of {by} that holds now")
    require_seen(turn, action.last_inbound)
    if case.draft is not None:
        raise Refused("reply_pending", f"a reply by {case.draft.author} is under way")
    if case.last_reply and action.follows != case.last_reply:
        raise Refused("already_answered", "the message has an answer; a reply that adds to it names it in `follows`")


def require_seen(turn: DeskTurn, last_inbound: str) -> None:
    """Raises Refused if the customer has written again, or what they wrote waits for its label."""
    if last_inbound != turn.case.last_inbound:
        raise Refused("customer_wrote_again", "the customer has written again; read it first")
    if turn.case.in_review():
        raise Refused("in_review", "a message waits for its label; label it first")


def _draft(turn: DeskTurn, reply: str) -> Draft:
    draft = turn.case.draft
    if draft is None or draft.id != reply:
        raise Refused("unknown_reply", "no such reply is under way; it was handed on, taken back, or never accepted")
    return draft


def _held(turn: DeskTurn, reply: str, by: str) -> Draft:
    draft = _draft(turn, reply)
    if draft.ready is not None:
        raise Refused("unknown_reply", "the reply does not wait for approval")
    if draft.author == by:
        raise Refused("own_reply", "somebody else has to decide on one's own reply")
    return draft


def _drop(turn: DeskTurn, reason: str) -> None:
    draft, turn.case.draft = turn.case.draft, None
    if draft is not None and draft.ready is None:
        _end_approval(turn, draft, reason)


def _end_approval(turn: DeskTurn, draft: Draft, reason: str) -> None:
    if turn.case.served is not None:
        turn.stop_timer("approval", draft.mention)
    close(turn, reason, {"above_authority"})


def _ready(turn: DeskTurn) -> int:
    return turn.at + turn.policy.replies.undo_seconds * SECOND_MS
