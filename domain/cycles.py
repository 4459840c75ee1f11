"""The first-response cycle of one conversation: what a start, a reply or the passing of time makes of it.

A conversation has one cycle. It opens with a start and gets one verdict: `met` by the brand's first public
reply at or after the start and at or before the due time, or else `breached`. A reply at the due time is in
time.
All times are milliseconds since 1970; `now` is the tick that was seen last, None before the first.
"""

from typing import Final, NamedTuple

from domain.cycle_state import (
    Cycle,
    Kind,
    Reply,
    at_risk,
    decode_cycle,
    decode_replies,
    encode_mark,
    encode_open,
    encode_replies,
    is_open,
    kind_of,
    moment_of,
)
from domain.instants import from_ms, to_ms
from schemas.ids import derive_id
from schemas.records import SlaEvent, SlaEventKind, SlaTarget, TimerRespond, TimerStart

REMEMBERED_MS: Final = 8 * 24 * 3_600_000
"""Eight days: how long a closed cycle refuses a repeated start, and an early reply waits for its question."""

REMEMBERED_REPLIES: Final = 32
"""Replies kept of a conversation without a cycle, the latest; a brand may post there without end."""

_TARGET: Final[SlaTarget] = "first_response"
_EVENT_FIELDS: Final = set(SlaEvent.model_fields)


class Step(NamedTuple):
    """What a record made of a conversation. If the state is the very one from before, nothing changed."""

    state: bytes | None
    events: list[SlaEvent]


def after_start(before: bytes | None, start: TimerStart, now: int | None) -> Step:
    """Opens the cycle, and settles it at once if a remembered reply or the last tick decides.

    Ignored if the conversation has a cycle, open or closed. Raises ValueError if its times are out of order.
    """
    at_risk_at, cycle = _cycle_of(start)
    if before is not None and kind_of(before) != Kind.REPLIED:
        return Step(before, [])
    started = _event(start.conversation, cycle, "started", cycle.started, now)
    reply = _first_reply(before, cycle.started)
    if reply is not None:
        step = _answered(start.conversation, cycle, reply, now)
    elif now is not None and cycle.due < now:
        step = _breached(start.conversation, cycle, now)
    else:
        step = Step(encode_open(cycle, at_risk_at), [])
    return Step(step.state, [started, *step.events])


def after_respond(before: bytes | None, respond: TimerRespond, now: int | None) -> Step:
    """Closes the open cycle, unless the reply is older than the start; without a cycle it is remembered."""
    reply = Reply(to_ms(respond.responded_at), respond.reply)
    if before is None or kind_of(before) == Kind.REPLIED:
        return Step(_remember(before, reply, now), [])
    if not is_open(before):
        return Step(before, [])
    cycle = decode_cycle(before)
    if reply.at < cycle.started:
        return Step(before, [])
    return _answered(respond.conversation, cycle, reply, now)


def after_moment(before: bytes, conversation: str, now: int) -> Step:
    """What time alone does: `at_risk`, `breached` (alone, if both have passed), or forgetting."""
    if not is_open(before):
        return Step(None, [])
    cycle = decode_cycle(before)
    if cycle.due < now:
        return _breached(conversation, cycle, now)
    return Step(at_risk(before, cycle.due), [_event(conversation, cycle, "at_risk", moment_of(before), now)])


def _cycle_of(start: TimerStart) -> tuple[int, Cycle]:
    started, at_risk_at, due = to_ms(start.started_at), to_ms(start.at_risk_at), to_ms(start.due_at)
    if not started <= at_risk_at <= due:
        raise ValueError(f"timer start {start.id}: its times are out of order: they must be start, at risk, due")
    return at_risk_at, Cycle(start.mention, start.brand, start.type, start.team, start.policy, started, due)


def _first_reply(state: bytes | None, started: int) -> Reply | None:
    replies = decode_replies(state) if state is not None else []
    return next((reply for reply in replies if reply.at >= started), None)


def _remember(state: bytes | None, reply: Reply, now: int | None) -> bytes:
    replies = decode_replies(state) if state is not None else []
    if state is not None and reply in replies:
        return state
    latest = sorted([*replies, reply])[-REMEMBERED_REPLIES:]
    return encode_replies(latest, _forget(reply.at, now))


def _answered(conversation: str, cycle: Cycle, reply: Reply, now: int | None) -> Step:
    """By the first reply since the start: in time, or proof that there was none in time."""
    if reply.at > cycle.due:
        return _breached(conversation, cycle, now)
    met = _event(conversation, cycle, "met", reply.at, now, reply.id)
    return Step(_closed(reply.at, now), [met])


def _breached(conversation: str, cycle: Cycle, now: int | None) -> Step:
    # The late reply is not named: whether it or a tick told first must make no difference.
    return Step(_closed(cycle.due, now), [_event(conversation, cycle, "breached", cycle.due, now)])


def _closed(at: int, now: int | None) -> bytes:
    return encode_mark(Kind.CLOSED, _forget(at, now))


def _forget(at: int, now: int | None) -> int:
    return (at if now is None else now) + REMEMBERED_MS


def _event(
    conversation: str, cycle: Cycle, kind: SlaEventKind, at: int, now: int | None, reply: str | None = None
) -> SlaEvent:
    cycle_id = derive_id(conversation, _TARGET, cycle.mention)
    return _trusted(
        {
            "record": "sla_event",
            "version": 1,
            "id": derive_id(conversation, _TARGET, cycle_id, kind),
            "kind": kind,
            "conversation": conversation,
            "target": _TARGET,
            "cycle": cycle_id,
            "mention": cycle.mention,
            "brand": cycle.brand,
            "type": cycle.type,
            "team": cycle.team,
            "started_at": from_ms(cycle.started),
            "due_at": from_ms(cycle.due),
            "at": from_ms(at),
            "decided_at": None if now is None else from_ms(now),
            "reply": reply,
            "policy": cycle.policy,
        }
    )


def _trusted(fields: dict[str, object]) -> SlaEvent:
    """As `SlaEvent(**fields)`, unchecked: each value comes from a record that was checked. 2 instead of 5 µs.

    `model_construct` takes longer than checking does. Pickling's door is the one that pydantic keeps open.
    """
    event = SlaEvent.__new__(SlaEvent)
    event.__setstate__(
        {
            "__dict__": fields,
            "__pydantic_fields_set__": _EVENT_FIELDS,
            "__pydantic_extra__": None,
            "__pydantic_private__": None,
        }
    )
    return event
