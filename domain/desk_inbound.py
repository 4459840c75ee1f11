"""What the desk hears of a conversation: the customer's messages, the clock's verdicts, answers by another way."""

from typing import Final, Literal

from domain.desk_claims import drop_owner_who_left
from domain.desk_outcomes import be_published, handed_on
from domain.desk_replies import be_answered, withdraw
from domain.desk_state import Conversation, Message, Serving, Status
from domain.desk_turn import DeskTurn
from domain.escalations import start
from domain.instants import to_ms
from domain.policy import Policy
from schemas.desk_records import DeskInbound
from schemas.record_fields import SlaTarget
from schemas.records import SlaEvent, TimerRespond

RESPONSES: Final[tuple[SlaTarget, ...]] = ("first_response", "next_response")
REMEMBERED_MESSAGES: Final = 32
REMEMBERED_VERDICTS: Final = 32
_DAY_MS: Final = 24 * 3_600_000


def new_conversation(inbound: DeskInbound, at: int) -> Conversation:
    """One that nobody has written in yet."""
    return Conversation(
        brand=inbound.brand,
        policy=inbound.policy,
        type=inbound.type,
        team=inbound.team,
        queue=inbound.queue,
        priority=inbound.priority,
        routed_by=inbound.mention,
        opened=inbound.mention,
        last_inbound="",
        touched=at,
        language=inbound.language,
    )


def require_known_team(inbound: DeskInbound, policy: Policy) -> None:
    """Raises ValueError for a message that its own policy can't have routed so."""
    if inbound.team not in policy.teams:
        raise ValueError(f"desk inbound {inbound.id}: its policy {inbound.policy} has no team {inbound.team!r}")
    if inbound.due_at is not None and inbound.type not in policy.answers:
        raise ValueError(f"desk inbound {inbound.id}: {inbound.type} is answered by nobody, and can't be due")


def is_repeat(case: Conversation, inbound: DeskInbound) -> bool:
    until = case.messages_until
    return case.message(inbound.mention) is not None or (until is not None and to_ms(inbound.posted_at) <= until)


def take_message(turn: DeskTurn, inbound: DeskInbound) -> None:
    """The customer has written: the fence moves, a closed conversation opens, what is doubtful waits for its label."""
    case = turn.case
    withdraw(turn, "the customer has written again")
    opens = _opens_case(turn)
    message = _message(inbound, turn.at, opens=opens)
    message.waits = message.waits and not is_answered(case, message)
    _serve(turn, inbound, message, opens=opens)
    new, case.last_inbound = not case.last_inbound, inbound.mention
    case.last_reply = case.answered_by if is_answered(case, message) else ""
    _remember(case, message)
    if opens:
        case.opened = inbound.mention
    asks = message.waits or message.doubtful
    reopens = case.status != Status.OPEN and asks
    if asks and (reopens or not case.owner):
        _route(case, inbound)
    if reopens:
        case.status = Status.OPEN
    case.snoozed_until, case.snoozed_by = None, ""
    turn.tell("opened" if new else "reopened" if reopens else "customer_wrote")
    drop_owner_who_left(turn)
    if message.doubtful:
        turn.start_timer("review", message.mention)
    if case.status == Status.OPEN:
        for flag in message.flags:
            start(turn, flag, message.mention, inbound.id)


def concerns_desk(event: SlaEvent) -> bool:
    """Whether the desk acts on such an event. It knows itself what is met, cancelled or superseded."""
    return event.kind in ("started", "at_risk", "breached") and event.target in (*RESPONSES, "resolution")


def take_verdict(turn: DeskTurn, event: SlaEvent) -> bool:
    """What the clock found; whether it was of any interest, and new. What is in order by now stays so."""
    case = turn.case
    if not concerns_desk(event) or event.id in case.verdicts:
        return False
    case.verdicts = [*case.verdicts, event.id][-REMEMBERED_VERDICTS:]
    if event.kind == "started":
        _take_start(turn, event)
    else:
        _take_miss(turn, event, "breached" if event.kind == "breached" else "at_risk")
    return True


def take_answer(turn: DeskTurn, respond: TimerRespond) -> bool:
    """The brand has answered in public. If that was not by the desk, what the desk was about to say is withdrawn.

    Whether it is new.
    """
    case, at = turn.case, to_ms(respond.responded_at)
    own = handed_on(case, respond.desk_reply)
    if own is not None:
        be_published(turn, own, respond)
        return True
    if respond.automatic or respond.reply in case.posted:
        return False
    if case.answered_until is not None and at <= case.answered_until:
        return False
    case.answered_until, case.answered_by = at, respond.reply
    for handed in case.handed:
        handed.mentions = [mention for mention in handed.mentions if not _is_known_answered(case, mention)]
    answered = [message for message in case.messages if message.waits and message.posted <= at]
    if not answered:
        return True
    for message in answered:
        message.waits = False
    if case.message(case.last_inbound) in answered:
        withdraw(turn, "the brand has answered in another way")
        be_answered(turn, respond.reply)
    turn.tell("answered_elsewhere", reply=respond.reply)
    return True


def is_answered(case: Conversation, message: Message) -> bool:
    """Whether the brand has answered in public after it was posted."""
    return case.answered_until is not None and message.posted <= case.answered_until


def _is_known_answered(case: Conversation, mention: str) -> bool:
    message = case.message(mention)
    return message is not None and is_answered(case, message)


def _opens_case(turn: DeskTurn) -> bool:
    """Whether the clock opens a new case for the message."""
    case = turn.case
    if case.status == Status.RESOLVED:
        return turn.at > case.ended + turn.policy.reopen_days * _DAY_MS
    return not any(message.timed for message in case.messages)


def _message(inbound: DeskInbound, at: int, *, opens: bool) -> Message:
    return Message(
        mention=inbound.mention,
        type=inbound.type,
        sentiment=inbound.sentiment,
        flags=sorted(set(inbound.risk_flags)),
        verified=inbound.author_verified,
        posted=to_ms(inbound.posted_at),
        received=to_ms(inbound.received_at),
        arrived=at,
        doubtful=inbound.needs_review,
        waits=(inbound.due_at if opens else inbound.next_due_at) is not None,
        timed=inbound.due_at is not None,
        language=inbound.language,
    )


def _serve(turn: DeskTurn, inbound: DeskInbound, message: Message, *, opens: bool) -> None:
    """What the desk's own targets are carved from: the response that has been owed longest."""
    due = inbound.due_at if opens else inbound.next_due_at
    if due is None or turn.case.waiting_since() is not None:
        return
    promise = turn.policy.promise(inbound.type, inbound.team, inbound.priority)
    target = promise.first_response if opens or promise.next_response is None else promise.next_response
    minutes = int(target.due.total_seconds() // 60)
    turn.case.served = Serving(minutes, message.posted, to_ms(due), promise.calendar)


def _remember(case: Conversation, message: Message) -> None:
    """Keeps the latest. Whatever waits for a label or an answer is kept before all else."""
    case.messages = [*case.messages, message]
    if len(case.messages) > REMEMBERED_MESSAGES:
        done = (known for known in case.messages[:-1] if not known.doubtful and not known.waits)
        dropped = next(done, case.messages[0])
        case.messages.remove(dropped)
        case.messages_until = max(dropped.posted, case.messages_until or dropped.posted)


def _route(case: Conversation, inbound: DeskInbound) -> None:
    case.type, case.team, case.language = inbound.type, inbound.team, inbound.language
    case.queue, case.priority, case.routed_by = inbound.queue, inbound.priority, inbound.mention


def _take_miss(turn: DeskTurn, event: SlaEvent, trigger: Literal["at_risk", "breached"]) -> None:
    """Escalates while the customer waits. While a reply is on its way they don't, unless it turns out not to be."""
    case = turn.case
    if case.status == Status.OPEN and (event.target == "resolution" or case.waiting_since() is not None):
        start(turn, trigger, event.mention, event.id)
        return
    for handed in case.handed:
        if event.mention in handed.mentions:
            handed.owed = [*handed.owed, (trigger, event.mention)]


def _take_start(turn: DeskTurn, event: SlaEvent) -> None:
    case = turn.case
    if event.target == "first_response":
        case.opened = event.mention
    if case.served is not None and case.waiting_since() is not None:
        started, due = to_ms(event.started_at), to_ms(event.due_at)
        case.served = Serving(case.served.minutes, started, due, event.calendar)
