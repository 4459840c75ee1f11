"""What the clock tells as rows: one a cycle of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.row_changes import Changes
from console.tables import TIMERS
from console.trail_rows import Place, put_trail
from domain.instants import to_ms
from schemas.records import SlaEvent, SlaEventKind

_TIMER_STATES: Final[Mapping[SlaEventKind, str]] = {
    "started": "running",
    "at_risk": "running",
    "reopened": "running",
    "met": "met",
    "breached": "breached",
    "cancelled": "cancelled",
    "superseded": "superseded",
    "breach_corrected": "breached",
}


def put_sla_event(changes: Changes, event: SlaEvent, place: Place) -> None:
    state = _TIMER_STATES[event.kind]
    row = {
        "id": f"{event.conversation}|{event.target}|{event.cycle}",
        "conversation": event.conversation,
        "target": event.target,
        "cycle": event.cycle,
        "mention": event.mention,
        "brand": event.brand,
        "type": event.type,
        "team": event.team,
        "state": state,
        "at_risk_levels": (event.level or 1) if event.kind == "at_risk" else 0,
        "corrected": event.kind == "breach_corrected",
        "started_at": to_ms(event.started_at),
        "due_at": to_ms(event.due_at),
        "ended_at": None if state == "running" else to_ms(event.at),
        "cause": event.cause,
    }
    changes.put(TIMERS, row)
    put_trail(changes, event, place, "timer", by=None, reason=event.reason or event.cause)
