"""What the API shows of the read model's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import Column, Table

from console.answers import Answer
from domain.instants import from_ms
from schemas.desk_records import Away, Promised, Shift

T = TypeVar("T")


def _instant(value: object) -> object:
    return from_ms(value) if isinstance(value, int) else value


Moment = Annotated[datetime, BeforeValidator(_instant)]
"""Milliseconds since 1970 in the tables, ISO 8601 in UTC for callers."""


class View(BaseModel):
    """One row, by the names of its columns."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def columns(cls, table: Table) -> list[Column[Any]]:
        """Those of the table that it shows."""
        return [table.c[name] for name in cls.model_fields]

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """Raises ValidationError for a row that is not as the tables say."""
        return cls.model_validate(dict(row))


class Page(BaseModel, Generic[T]):
    """Part of a list."""

    items: list[T]
    next: str | None = Field(description="Give it as `after` for what follows; null where nothing does.")


class Latest(BaseModel, Generic[T]):
    """The last items, the oldest of them first."""

    items: list[T]
    more: bool = Field(description="Whether there are older ones, which are not shown.")

    @classmethod
    def of(cls, newest_first: Sequence[T], limit: int) -> Self:
        return cls(items=list(reversed(newest_first[:limit])), more=len(newest_first) > limit)


class ConversationView(View):
    """A conversation as it stands."""

    conversation: str = Field(description="Its key, `brand:channel:thread`, each part percent-encoded.")
    brand: str
    channel: str
    thread: str
    status: str
    type: str
    team: str
    queue: str
    owner: str | None = Field(description="A person; null while it is its queue's.")
    holder: str | None = Field(description="Who has claimed it.")
    priority: int = Field(description="1 is the most pressing, 5 the least.")
    waiting: bool = Field(description="Whether the customer waits for an answer.")
    in_review: int = Field(description="Mentions that wait for their label.")
    snoozed_until: Moment | None
    last_inbound: str = Field(description="The mention that a reply must name as the last that was seen.")
    opened_at: Moment
    changed_at: Moment
    due_at: Moment | None = Field(description="Of its timer that falls due first; null where none runs.")
    breaches: int


class PostView(View):
    """What was said in public."""

    id: str
    direction: str = Field(description="`in`: a mention; `out`: a reply.")
    author: str
    text: str
    url: str | None
    automatic: bool
    posted_at: Moment
    received_at: Moment
    type: str | None
    sentiment: str | None
    confidence: float | None
    needs_review: bool | None
    risk_flags: list[str] | None
    language: str | None
    state: str


class TimerView(View):
    """A promise of time, and what became of it."""

    id: str
    conversation: str
    target: str
    cycle: str
    mention: str
    brand: str
    type: str
    team: str
    state: str
    at_risk_levels: int
    corrected: bool = Field(description="Breached, and then found to have been answered in time.")
    started_at: Moment
    due_at: Moment
    ended_at: Moment | None
    cause: str | None


class ReplyView(View):
    """An answer that a person wrote at the desk."""

    id: str
    mention: str | None
    author: str
    text: str
    promises: list[Promised] | None
    state: str
    approved_by: str | None
    reason: str | None
    written_at: Moment
    changed_at: Moment


class EscalationView(View):
    """An escalation as it stands."""

    id: str
    conversation: str
    trigger: str
    mention: str
    state: str
    step: int
    steps: int
    role: str
    team: str
    channel: str
    until: Moment | None
    holding_reply: str | None
    by: str | None
    started_at: Moment
    changed_at: Moment


class TrailView(View):
    """One thing that happened."""

    id: str
    at: Moment
    about: str
    kind: str
    by: str | None
    reason: str | None
    detail: dict[str, Any]


class ConversationDetail(BaseModel):
    """A conversation with all that belongs to it."""

    conversation: ConversationView
    posts: Latest[PostView]
    timers: Latest[TimerView]
    replies: Latest[ReplyView]
    escalations: Latest[EscalationView]
    trail: Latest[TrailView]


class QueueView(View):
    """What is open in a queue."""

    team: str
    queue: str
    open: int
    waiting: int = Field(description="Whose customer waits for an answer.")
    in_review: int = Field(description="In which a mention waits for its label.")
    overdue: int = Field(description="Whose first timer is due.")
    unowned: int = Field(description="Nobody's yet.")


class PersonView(View):
    """Somebody who may say something to the desk."""

    id: str
    name: str
    role: str
    teams: list[str]
    active: bool
    capacity: int | None = Field(description="How many conversations they are given at most; null: no limit.")
    skills: list[str] = Field(description="What they are given alone; empty: any type.")
    languages: list[str] = Field(description="ISO 639; empty: any.")
    shift: Shift | None = Field(description="When they work; null: always.")
    away: list[Away]


class IncidentView(View):
    """An incident as it stands."""

    id: str
    brand: str
    type: str
    spike: str
    title: str = Field(description="How the first of its messages begins.")
    status: str
    confirmed_by: str | None
    statement: str | None = Field(description="The draft that stands: `approve` names it.")
    text: str | None = Field(description="What it says.")
    stated_by: str | None
    approved_by: str | None = Field(description="Null until it is sent.")
    reason: str | None = Field(description="Why it was dismissed.")
    all_members: int
    accepted: int = Field(description="Whose reply is on its way, or public.")
    answered: int = Field(description="Those of them whose reply was handed on.")
    skipped: int = Field(description="Who is answered by people.")
    proposed_at: Moment
    changed_at: Moment


class MemberView(View):
    """A conversation of an incident."""

    conversation: str
    mention: str = Field(description="The message that is about the incident.")
    state: str
    reason: str | None = Field(description="Why it was skipped.")
    joined_at: Moment
    changed_at: Moment


class IncidentDetail(BaseModel):
    """An incident with its conversations, and what happened."""

    incident: IncidentView
    members: Latest[MemberView]
    trail: Latest[TrailView]


class CommandView(View):
    """A command that was answered."""

    id: str
    conversation: str = Field(description="Its key; of a command about an incident, `incident:ID`.")
    action: str
    by: str
    accepted: bool
    code: str
    reason: str
    at: Moment
    answer: Answer


class CommandState(BaseModel):
    """What has become of a command."""

    id: str
    conversation: str = Field(description="Its key; of a command about an incident, `incident:ID`.")
    by: str
    state: Literal["waiting", "answered"]
    answer: Answer | None = Field(description="Null while it is not answered, or the answer is not yet read.")


class Me(BaseModel):
    """Who calls."""

    person: str
    name: str
    role: str
    teams: list[str]
    may: list[str] = Field(description="What the role may do, by today's policy.")
    token: str
    label: str
