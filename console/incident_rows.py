"""What is told of incidents as rows: how they stand, their conversations, the commands that people gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.row_changes import Changes, as_json
from console.tables import COMMANDS, INCIDENT_MEMBERS, INCIDENTS
from console.trail_rows import Place, put_trail
from domain.instants import to_ms
from schemas.ids import incident_key
from schemas.incident_records import IncidentChanged, IncidentKind, IncidentMember

_MEMBER_STATES: Final[Mapping[IncidentKind, str]] = {
    "proposed": "joined",
    "joined": "joined",
    "accepted": "accepted",
    "answered": "answered",
    "skipped": "skipped",
}
"""By what is told of members. All else answers a command, and is told again when that is repeated."""


def put_incident_changed(changes: Changes, event: IncidentChanged, place: Place) -> None:
    state = _MEMBER_STATES.get(event.kind)
    if state is None:
        _answered(changes, event)
    if event.status is None:
        return  # there is no such incident
    put_trail(changes, event, place, "incident", by=event.by, reason=event.reason)
    if state is not None:
        _counted(changes, event)
        for member in event.members:
            _reached(changes, event, member, state)
    elif event.kind != "refused":
        _decided(changes, event)


def _counted(changes: Changes, event: IncidentChanged) -> None:
    at = to_ms(event.at)
    row = {
        "id": event.incident,
        "brand": event.brand or "",
        "type": event.type or "",
        "spike": event.spike or "",
        "title": event.title or "",
        "status": event.status,
        "confirmed_by": None,
        "approved_by": None,
        "reason": None,
        "all_members": event.all_members,
        "accepted": event.accepted,
        "answered": event.answered,
        "skipped": event.skipped,
        "proposed_at": at,
        "changed_at": at,
    }
    changes.put(INCIDENTS, row)


def _reached(changes: Changes, event: IncidentChanged, member: IncidentMember, state: str) -> None:
    at = to_ms(event.at)
    row = {
        "id": f"{event.incident}|{member.conversation}",
        "incident": event.incident,
        "conversation": member.conversation,
        "mention": member.mention,
        "state": state,
        "reason": event.reason,
        "joined_at": at,
        "changed_at": at,
    }
    changes.put(INCIDENT_MEMBERS, row)


def _decided(changes: Changes, event: IncidentChanged) -> None:
    """What people say changes no counts, and those that it tells may be of long ago."""
    decided = {
        "status": event.status,
        "confirmed_by": event.by if event.kind == "confirmed" else None,
        "approved_by": event.by if event.kind == "approved" else None,
        "reason": event.reason,
        "changed_at": to_ms(event.at),
    }
    changes.alter(INCIDENTS, event.incident, decided)


def _answered(changes: Changes, event: IncidentChanged) -> None:
    row = {
        "id": event.cause,
        "conversation": incident_key(event.incident),
        "action": event.action or event.kind,
        "by": event.by or "",
        "accepted": event.kind != "refused",
        "code": event.code or "accepted",
        "reason": event.reason or event.kind,
        "answer": as_json(event),
        "at": to_ms(event.at),
    }
    changes.put(COMMANDS, row)
