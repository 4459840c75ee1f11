"""Incidents: many conversations about one thing, proposed by a program, confirmed by people, answered by one statement.

All records of an incident have the key `incident:ID`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.desk_records import DeskText
from schemas.record_fields import ConversationKey, Instant, MentionType, Name, Record


class IncidentMember(Record):
    """A conversation of the incident, and the message in it that is about it: the one that a statement answers."""

    conversation: ConversationKey
    mention: Name


class IncidentProposed(Record):
    """Conversations that seem to be about one thing. Told again with others, these join it."""

    record: Literal["incident_proposed"] = "incident_proposed"
    version: Literal[1] = 1
    id: Name
    incident: Name
    brand: Name
    type: MentionType
    spike: Name
    """Id of the spike that they are part of."""
    title: Name
    """How the first of them begins."""
    sketch: tuple[Name, ...]
    """Hashes of the first one's pairs of words: what others are compared with."""
    members: tuple[IncidentMember, ...]
    policy: Name
    at: Instant


class Confirm(Record):
    """It is an incident: it may be answered as one."""

    do: Literal["confirm"] = "confirm"


class Dismiss(Record):
    """It is none; its conversations are answered one by one, as ever."""

    do: Literal["dismiss"] = "dismiss"
    reason: Name


class State(Record):
    """Drafts what all of them are told; another draft takes its place until it is approved."""

    do: Literal["state"] = "state"
    text: DeskText


class ApproveStatement(Record):
    """Sends it, to whoever joins later too. Never one's own."""

    do: Literal["approve"] = "approve"
    statement: Name


class Close(Record):
    """It is over: nobody joins any more."""

    do: Literal["close"] = "close"


IncidentAction = Confirm | Dismiss | State | ApproveStatement | Close


class IncidentCommand(Record):
    """What a person wants done with an incident. The same id again gets the same answer."""

    record: Literal["incident_command"] = "incident_command"
    version: Literal[1] = 1
    id: Name
    incident: Name
    by: Name
    sent_at: Instant
    action: Annotated[IncidentAction, Field(discriminator="do")]


IncidentStatus = Literal["proposed", "confirmed", "dismissed", "closed"]
IncidentKind = Literal[
    "proposed",
    "joined",
    "confirmed",
    "dismissed",
    "stated",
    "approved",
    "accepted",
    "answered",
    "skipped",
    "closed",
    "refused",
]
RefusalCode = Literal[
    "closed",
    "not_allowed",
    "not_confirmed",
    "own_statement",
    "already_approved",
    "already_confirmed",
    "unknown_incident",
    "unknown_person",
    "unknown_role",
    "unknown_statement",
]


class IncidentChanged(Record):
    """One thing that happened to an incident, and how it stands after it. A command that is refused changes nothing."""

    record: Literal["incident_changed"] = "incident_changed"
    version: Literal[1] = 1
    id: Name
    incident: Name
    kind: IncidentKind
    cause: Name
    """Id of the record that it follows from: of `refused`, and of what people do, their command."""
    by: Name | None = None
    action: Literal["confirm", "dismiss", "state", "approve", "close"] | None = None
    """Of what people do, and of `refused`: what they asked for."""
    at: Instant
    code: RefusalCode | None = None
    """Of `refused`."""
    reason: DeskText | None = None
    """Of `refused`, `dismissed`, `skipped`."""
    status: IncidentStatus | None
    """None where there is no such incident."""
    brand: Name | None = None
    type: MentionType | None = None
    spike: Name | None = None
    title: Name | None = None
    statement: Name | None = None
    text: DeskText | None = None
    """Of `stated` and `approved`."""
    members: tuple[IncidentMember, ...] = ()
    """Whom it is about: who joined, was answered or skipped."""
    all_members: Annotated[int, Field(ge=0)] = 0
    accepted: Annotated[int, Field(ge=0)] = 0
    """Members whose reply is on its way, or public."""
    answered: Annotated[int, Field(ge=0)] = 0
    """Those of them whose reply was handed on."""
    skipped: Annotated[int, Field(ge=0)] = 0
    sketch: tuple[Name, ...] = ()
    """Of `proposed`."""
