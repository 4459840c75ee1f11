"""The label that a person gives: it ends a mention's review, routes it again, and moves its clock."""

from domain.authority import Refused
from domain.desk_claims import end, require_nobody_else
from domain.desk_inbound import is_answered
from domain.desk_replies import withdraw
from domain.desk_state import Message, Serving, Status
from domain.desk_turn import DeskTurn
from domain.escalations import start
from domain.instants import from_ms, to_ms
from domain.routing import Asked, Aspects, routing_of, timer_start
from domain.targets import superseding
from schemas.desk_records import Label
from schemas.ids import derive_id
from schemas.record_fields import MentionType
from schemas.records import Routing, TimerCancel, TimerSupersede


def label(turn: DeskTurn, by: str, given: Label) -> None:
    """Raises Refused for a mention that the desk does not know, and while somebody else holds the conversation.

    A label that says what was known already ends the review and changes nothing else. One that says that somebody
    waits opens a conversation that has ended.
    """
    message = turn.case.message(given.mention)
    if message is None:
        raise Refused("unknown_mention", "the mention is not one of this conversation, or too long ago")
    require_nobody_else(turn, by)
    if message.doubtful:
        message.doubtful = False
        if turn.case.served is not None:
            turn.stop_timer("review", message.mention)
    before, flags_before, closed = message.type, set(message.flags), turn.case.status != Status.OPEN
    message.type = given.type
    if given.risk_flags is not None:
        message.flags = sorted(set(given.risk_flags))
    if given.type == "spam":
        _be_spam(turn, message)
    elif before != message.type or flags_before != set(message.flags) or turn.case.status == Status.SPAM:
        _route_again(turn, message, before)
    turn.tell("labelled", by=by, label=given)
    if turn.case.status == Status.OPEN:
        told = set() if closed else flags_before
        for flag in sorted(set(message.flags) - told):
            start(turn, flag, message.mention, turn.cause)


def _be_spam(turn: DeskTurn, message: Message) -> None:
    """Nobody need answer it. A conversation in which nothing else was said ends."""
    case = turn.case
    if message.timed:
        turn.timers.append(
            TimerCancel(
                id=derive_id("timer_cancel", turn.cause, message.mention),
                conversation=turn.key,
                mention=message.mention,
                cancelled_at=from_ms(turn.at),
                reason="labelled as spam",
            )
        )
    message.waits = message.timed = False
    if case.draft is not None and case.draft.mention == message.mention:
        withdraw(turn, "the message that it answers is spam")
    if all(known.type == "spam" and not known.doubtful for known in case.messages):
        case.type = "spam"
        end(turn, Status.SPAM, "the conversation is spam")


def _route_again(turn: DeskTurn, message: Message, before: MentionType) -> None:
    aspects = Aspects(message.type, message.sentiment, tuple(message.flags), message.verified)
    routing = routing_of(aspects, turn.policy)
    if routing is None:
        return
    routing = routing.model_copy(update={"policy": turn.case.policy})
    case, was_spam = turn.case, before == "spam"
    _move_clock(turn, message, routing, was_spam=was_spam)
    if was_spam or case.status == Status.SPAM:
        message.waits = not is_answered(case, message)
    opens = case.status == Status.SPAM or (case.status == Status.RESOLVED and message.waits)
    if opens:
        case.status = Status.OPEN
    if opens or (case.status == Status.OPEN and message.mention in (case.routed_by, case.last_inbound)):
        _move_to(turn, message, routing)


def _move_clock(turn: DeskTurn, message: Message, routing: Routing, *, was_spam: bool) -> None:
    """Another target for a clock that runs; a clock for what had none, since it looked like spam."""
    promise = turn.policy.promise(message.type, routing.team, routing.priority)
    if message.timed:
        turn.timers.append(
            TimerSupersede(
                id=derive_id("timer_supersede", turn.cause, message.mention),
                conversation=turn.key,
                mention=message.mention,
                type=message.type,
                team=routing.team,
                policy=routing.policy,
                calendar=promise.calendar,
                targets=superseding(promise),
                superseded_at=from_ms(turn.at),
                reason=f"labelled as {message.type}",
                priority=routing.priority,
            )
        )
    elif was_spam:
        posted, received = from_ms(message.posted), from_ms(message.received)
        asked = Asked(turn.key, message.mention, turn.case.brand, posted, received)
        begun = timer_start(asked, message.type, routing, turn.policy)
        turn.timers.append(begun)
        message.timed = True
        if turn.case.waiting_since() is None:
            minutes = promise.first_response_minutes
            turn.case.served = Serving(minutes, to_ms(begun.started_at), to_ms(begun.due_at), promise.calendar)


def _move_to(turn: DeskTurn, message: Message, routing: Routing) -> None:
    """To another team's queue; within the team, whoever has it keeps it."""
    case = turn.case
    moves = case.team != routing.team
    case.type, case.team, case.queue = message.type, routing.team, routing.owner
    case.language = message.language
    case.priority, case.routed_by = routing.priority, message.mention
    if moves:
        case.claim = None
        turn.own("")
