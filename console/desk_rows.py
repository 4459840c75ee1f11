"""What the desk tells as rows: conversations, labels, replies, escalations, commands; and who its people are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.row_changes import Changes, as_json, list_as_json
from console.tables import COMMANDS, CONVERSATIONS, ESCALATIONS, LABELS, PEOPLE, REPLIES
from console.trail_rows import Place, put_trail
from domain.instants import to_ms
from schemas.desk_events import ConversationChanged, DeskAnswer, EscalationChanged, ReplyToPublish
from schemas.desk_records import Person
from schemas.ids import conversation_parts

PEOPLE_PARTITION: Final = 0
"""People stand in every partition; in one of them they have one order."""
_REPLY_STATES: Final[Mapping[str, str]] = {
    "reply_accepted": "pending",
    "reply_held": "held",
    "reply_approved": "approved",
    "reply_rejected": "rejected",
    "reply_undone": "undone",
    "reply_withdrawn": "withdrawn",
    "reply_handed_on": "handed_on",
    "reply_uncertain": "uncertain",
    "reply_failed": "failed",
    "reply_published": "published",
}


def put_conversation_changed(changes: Changes, event: ConversationChanged, place: Place) -> None:
    brand, channel, thread = _parts(event.conversation)
    at = to_ms(event.at)
    row = {
        "conversation": event.conversation,
        "brand": brand,
        "channel": channel,
        "thread": thread,
        "status": event.status,
        "type": event.type,
        "team": event.team,
        "queue": event.queue,
        "owner": event.owner,
        "holder": event.holder,
        "priority": event.priority,
        "waiting": event.waiting,
        "in_review": event.in_review,
        "snoozed_until": None if event.snoozed_until is None else to_ms(event.snoozed_until),
        "last_inbound": event.last_inbound,
        "opened_at": at,
        "changed_at": at,
    }
    changes.put(CONVERSATIONS, row)
    put_trail(changes, event, place, "conversation", by=event.by, reason=event.reason)
    if event.label is not None:
        _label(changes, event, at)
    if event.reply is not None:
        _reply_changed(changes, event, event.reply, at)


def put_reply_to_publish(changes: Changes, reply: ReplyToPublish, place: Place) -> None:  # noqa: ARG001
    """The whole reply again, for where the log no longer has how it was written."""
    at = to_ms(reply.at)
    row = {
        "id": reply.id,
        "conversation": reply.conversation,
        "mention": reply.mention,
        "author": reply.author,
        "text": reply.text,
        "promises": None,
        "state": "handed_on",
        "approved_by": reply.approved_by,
        "reason": None,
        "written_at": at,
        "changed_at": at,
    }
    changes.put(REPLIES, row)


def put_escalation_changed(changes: Changes, event: EscalationChanged, place: Place) -> None:
    at = to_ms(event.at)
    row = {
        "id": event.escalation,
        "conversation": event.conversation,
        "trigger": event.trigger,
        "mention": event.mention,
        "state": event.kind,
        "step": event.step,
        "steps": event.steps,
        "role": event.role,
        "team": event.team,
        "channel": event.channel,
        "until": None if event.until is None else to_ms(event.until),
        "holding_reply": event.holding_reply,
        "by": event.by,
        "started_at": at,
        "changed_at": at,
    }
    changes.put(ESCALATIONS, row)
    put_trail(changes, event, place, "escalation", by=event.by, reason=event.reason)


def put_desk_answer(changes: Changes, answer: DeskAnswer, place: Place) -> None:  # noqa: ARG001
    row = {
        "id": answer.command,
        "conversation": answer.conversation,
        "action": answer.action,
        "by": answer.by,
        "accepted": answer.accepted,
        "code": answer.code,
        "reason": answer.reason,
        "answer": as_json(answer),
        "at": to_ms(answer.at),
    }
    changes.put(COMMANDS, row)


def put_person(changes: Changes, person: Person, place: Place) -> None:
    if place.partition != PEOPLE_PARTITION:
        return
    row = {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "teams": list_as_json(person.teams),
        "active": person.active,
        "capacity": person.capacity,
        "skills": list_as_json(person.skills),
        "languages": list_as_json(person.languages),
        "shift": None if person.shift is None else as_json(person.shift),
        "away": list_as_json(person.away),
    }
    changes.put(PEOPLE, row)


def _label(changes: Changes, event: ConversationChanged, at: int) -> None:
    given = event.label
    assert given is not None
    row = {
        "mention": given.mention,
        "conversation": event.conversation,
        "type": given.type,
        "risk_flags": None if given.risk_flags is None else list_as_json(given.risk_flags),
        "by": event.by,
        "at": at,
    }
    changes.put(LABELS, row)


def _reply_changed(changes: Changes, event: ConversationChanged, reply: str, at: int) -> None:
    state = _REPLY_STATES.get(event.kind)
    if state is None:
        return
    if event.text is None:
        approved_by = event.by if event.kind == "reply_approved" else None
        altered = {"state": state, "approved_by": approved_by, "reason": event.reason, "changed_at": at}
        changes.alter(REPLIES, reply, altered)
        return
    row = {
        "id": reply,
        "conversation": event.conversation,
        "mention": event.last_inbound,
        "author": event.by or "",
        "text": event.text,
        "promises": list_as_json(event.promises),
        "state": state,
        "approved_by": None,
        "reason": event.reason,
        "written_at": at,
        "changed_at": at,
    }
    changes.put(REPLIES, row)


def _parts(key: str) -> tuple[str, str, str]:
    """Of a key that is none, all is the thread."""
    try:
        return conversation_parts(key)
    except ValueError:
        return "", "", key
