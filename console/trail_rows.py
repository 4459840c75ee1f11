"""Every event of a conversation as a row of its trail."""

from __future__ import annotations

from typing import NamedTuple

from console.row_changes import Changes, as_json
from console.tables import TRAIL
from domain.instants import to_ms
from schemas.desk_events import ConversationChanged, EscalationChanged
from schemas.records import SlaEvent


class Place(NamedTuple):
    """Where a record stands."""

    partition: int
    offset: int


def put_trail(
    changes: Changes,
    event: ConversationChanged | EscalationChanged | SlaEvent,
    place: Place,
    about: str,
    *,
    by: str | None,
    reason: str | None,
) -> None:
    row = {
        "id": event.id,
        "conversation": event.conversation,
        "at": to_ms(event.at),
        "sequence": place.offset,
        "about": about,
        "kind": event.kind,
        "by": by,
        "reason": reason,
        "detail": as_json(event),
    }
    changes.put(TRAIL, row)
