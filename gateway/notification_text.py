"""What people are told of a step of an escalation: which conversation, until when, and nothing that anybody wrote."""

from __future__ import annotations

from urllib.parse import quote

from schemas.desk_events import EscalationChanged

_HAPPENED = {
    "started": "needs somebody",
    "climbed": "needs somebody still",
    "reminded": "waits for you (reminder)",
    "unacknowledged": "is not over, and nobody has it any more",
}


def notification_title(step: EscalationChanged) -> str:
    return f"{_words(step.trigger).capitalize()}: a conversation {_HAPPENED.get(step.kind, _words(step.kind))}"


def notification_body(step: EscalationChanged, link: str) -> str:
    """`link` has {conversation} for the key, percent-encoded; empty for none."""
    lines = [
        f"Conversation: {step.conversation}",
        f"Escalation: {_words(step.trigger)}, step {step.step} of {step.steps}",
        f"For: {step.role}, team {step.team}",
    ]
    if step.until is not None:
        lines.append(f"Acknowledge it until {step.until:%Y-%m-%d %H:%M} UTC, or it climbs on.")
    if link:
        lines.append(link.replace("{conversation}", quote(step.conversation, safe="")))
    return "\n".join(lines)


def _words(name: str) -> str:
    return name.replace("_", " ")
