"""Every event of a conversation, or of an incident, as a row of its trail."""

from __future__ import annotations

from typing import NamedTuple

from console.row_changes import Changes, as_json
from console.tables import TRAIL
from domain.instants import to_ms
from schemas.desk_events import ConversationChanged, EscalationChanged
from schemas.ids import incident_key
from schemas.incident_records import IncidentChanged
from schemas.records import SlaEvent


class Place(NamedTuple):
    """Where a record stands."""

    partition: int
    offset: int


def put_trail(
    changes: Changes,
    event: ConversationChanged | EscalationChanged | SlaEvent | IncidentChanged,
    place: Place,
    about: str,
    *,
    by: str | None,
    reason: str | None,
) -> None:
    told_of = incident_key(event.incident) if isinstance(event, IncidentChanged) else event.conversation
    row = {
        "id": event.id,
        "conversation": told_of,
        "at": to_ms(event.at),
        "sequence": place.offset,
        "about": about,
        "kind": event.kind,
        "by": by,
        "reason": reason,
        "detail": as_json(event),
    }
    changes.put(TRAIL, row)
