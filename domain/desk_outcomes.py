"""What became of a reply that was handed on: public, or not, or nobody knows.

One that is not public leaves its message unanswered again, with whoever holds the conversation, owns it, or its queue.
Nothing is ever sent again by itself: a person decides.
"""

from typing import Final

from domain.desk_claims import drop_owner_who_left
from domain.desk_replies import withdraw
from domain.desk_state import Conversation, Handed, Message, Status
from domain.desk_turn import DeskTurn
from domain.escalations import start
from schemas.desk_events import ChangeKind
from schemas.outcomes import ReplyOutcome
from schemas.records import TimerRespond

REMEMBERED_POSTED: Final = 32


def handed_on(case: Conversation, reply: str | None) -> Handed | None:
    """The reply, if it is on its way to the public."""
    return next((known for known in case.handed if known.id == reply), None)


def be_published(turn: DeskTurn, handed: Handed, respond: TimerRespond) -> None:
    """It answers what its author can have seen; what the customer has written since waits on."""
    case = turn.case
    case.handed.remove(handed)
    case.posted = [*case.posted, respond.reply][-REMEMBERED_POSTED:]
    if case.answered_until is None or handed.until > case.answered_until:
        case.answered_until, case.answered_by = handed.until, respond.reply
    turn.tell("reply_published", by=handed.author, reply=handed.id)


def take_outcome(turn: DeskTurn, outcome: ReplyOutcome) -> bool:
    """The reply is not public, or may not be. Whether that is new."""
    case, handed = turn.case, handed_on(turn.case, outcome.reply)
    if handed is None:
        return False
    case.handed.remove(handed)
    withdraw(turn, "a reply before it is not public")
    if outcome.result == "refused":
        _forget(case, handed)
    unanswered = [known for known in case.messages if known.mention in handed.mentions and known.type != "spam"]
    if unanswered:
        _wait_again(turn, unanswered)
    kind: ChangeKind = "reply_failed" if outcome.result == "refused" else "reply_uncertain"
    turn.tell(kind, by=handed.author, reply=handed.id, reason=outcome.reason)
    if unanswered:
        drop_owner_who_left(turn)
        for trigger, mention in handed.owed:
            if trigger != "owner_silent" or not case.owner:
                start(turn, trigger, mention, outcome.id)
    return True


def _forget(case: Conversation, handed: Handed) -> None:
    """As if it had never been: a new reply need not name it. One that is uncertain stays, so that whoever writes again
    has to say that they know of it."""
    if case.last_reply == handed.id:
        case.last_reply = handed.before
    for later in case.handed:
        if later.before == handed.id:
            later.before = handed.before


def _wait_again(turn: DeskTurn, unanswered: list[Message]) -> None:
    case = turn.case
    for message in unanswered:
        message.waits = True
    case.status = Status.OPEN
    case.snoozed_until, case.snoozed_by = None, ""
    case.owner_acted = turn.at
