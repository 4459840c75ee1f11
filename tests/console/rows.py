"""Rows of the read model, as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from domain.instants import to_ms
from schemas.ids import conversation_parts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minute: float) -> int:
    """Milliseconds since 1970 of so many minutes after noon."""
    return to_ms(NOON) + int(minute * 60_000)


def conversation(key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    brand, channel, thread = conversation_parts(key)
    return {
        "conversation": key,
        "brand": brand,
        "channel": channel,
        "thread": thread,
        "status": "open",
        "type": "customer_complaint",
        "team": "support",
        "queue": "support-queue",
        "owner": None,
        "holder": None,
        "priority": 2,
        "waiting": True,
        "in_review": 0,
        "snoozed_until": None,
        "last_inbound": "m1",
        "opened_at": at(0),
        "changed_at": at(0),
        "due_at": at(120),
        "breaches": 0,
        **changed,
    }


def timer(cycle: str = "c1", key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    return {
        "conversation": key,
        "target": "first_response",
        "cycle": cycle,
        "id": f"{key}|first_response|{cycle}",
        "mention": "m1",
        "brand": "Delta",
        "type": "customer_complaint",
        "team": "support",
        "state": "running",
        "at_risk_levels": 0,
        "corrected": False,
        "started_at": at(0),
        "due_at": at(120),
        "ended_at": None,
        "cause": None,
        **changed,
    }


def post(id_: str = "m1", key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "conversation": key,
        "direction": "in",
        "author": "@someone",
        "text": "my order never arrived",
        "url": None,
        "automatic": False,
        "posted_at": at(0),
        "received_at": at(0),
        "type": "customer_complaint",
        "sentiment": "negative",
        "confidence": 0.9,
        "needs_review": False,
        "risk_flags": ["refund_request"],
        "language": "en",
        "state": "routed",
        "settled": True,
        **changed,
    }


def reply(id_: str = "r1", key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "conversation": key,
        "mention": "m1",
        "author": "ann",
        "text": "It is on its way.",
        "promises": [{"action": "refund", "amount": 6000, "currency": "EUR"}],
        "state": "held",
        "approved_by": None,
        "reason": None,
        "written_at": at(5),
        "changed_at": at(5),
        **changed,
    }


def escalation(id_: str = "e1", key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "conversation": key,
        "trigger": "legal_threat",
        "mention": "m1",
        "state": "started",
        "step": 1,
        "steps": 3,
        "role": "lead",
        "team": "support",
        "channel": "email",
        "until": at(30),
        "holding_reply": "We are looking into it.",
        "by": None,
        "started_at": at(1),
        "changed_at": at(1),
        **changed,
    }


def event(number: int = 1, key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    return {
        "id": f"t{number}",
        "conversation": key,
        "at": at(number),
        "sequence": number,
        "about": "conversation",
        "kind": "noted",
        "by": "ann",
        "reason": None,
        "detail": {"kind": "noted"},
        **changed,
    }


def incident(id_: str = "i1", **changed: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "brand": "Delta",
        "type": "customer_complaint",
        "spike": "s1",
        "title": "the app is down",
        "status": "proposed",
        "confirmed_by": None,
        "statement": None,
        "text": None,
        "stated_by": None,
        "approved_by": None,
        "reason": None,
        "all_members": 2,
        "accepted": 0,
        "answered": 0,
        "skipped": 0,
        "proposed_at": at(0),
        "changed_at": at(0),
        **changed,
    }


def member(key: str = "Delta:x:1", incident: str = "i1", **changed: Any) -> dict[str, Any]:
    return {
        "id": f"{incident}|{key}",
        "incident": incident,
        "conversation": key,
        "mention": "m1",
        "state": "joined",
        "reason": None,
        "joined_at": at(0),
        "changed_at": at(0),
        **changed,
    }


def command(id_: str = "k1", key: str = "Delta:x:1", **changed: Any) -> dict[str, Any]:
    """An answered command, as the read model keeps it."""
    row = {
        "id": id_,
        "conversation": key,
        "action": "claim",
        "by": "ann",
        "accepted": True,
        "code": "accepted",
        "reason": "done",
        "at": at(1),
        **changed,
    }
    answer = {
        "record": "desk_answer",
        "version": 1,
        "id": f"answer to {id_}",
        "command": id_,
        "conversation": key,
        "action": row["action"],
        "by": row["by"],
        "accepted": row["accepted"],
        "code": row["code"],
        "reason": row["reason"],
        "fence": None,
        "reply": None,
        "at": "2026-03-02T12:01:00Z",
    }
    return {"answer": answer, **row}
