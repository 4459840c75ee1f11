"""Routes that show the desk: queues, timers, escalations, people, and who calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal, get_args

from fastapi import Depends, FastAPI, Query
from pydantic import Field
from sqlalchemy import Connection, func, select

from console.callers import Caller
from console.described import described
from console.pages import ALONE, PAIR, Order, Paged, as_asked, page
from console.rights import caller_of
from console.sql_threads import Database
from console.tables import CONVERSATIONS, ESCALATIONS, PEOPLE, TIMERS
from console.views import EscalationView, Me, Page, PersonView, QueueView, TimerView
from schemas.desk_events import EscalationKind, Trigger
from schemas.record_fields import PlainName, SlaTarget

Clock = Callable[[], float]
"""Seconds since 1970."""
_TIMERS_UP: Final = Order("due", (TIMERS.c.due_at, TIMERS.c.id), PAIR)
_TIMERS_DOWN: Final = Order("due last", (TIMERS.c.due_at, TIMERS.c.id), PAIR, descending=True)
_ESCALATIONS: Final = Order("changed", (ESCALATIONS.c.changed_at, ESCALATIONS.c.id), PAIR, descending=True)
_PEOPLE: Final = Order("people", (PEOPLE.c.id,), ALONE)
_OPEN_KINDS: Final = [kind for kind in get_args(EscalationKind) if kind != "closed"]


class TimersAsked(Paged):
    """Which timers: those that run by what falls due first, others by what fell due last."""

    state: Literal["running", "met", "breached", "cancelled", "superseded"] = "running"
    team: PlainName | None = None
    brand: PlainName | None = None
    target: SlaTarget | None = None


class EscalationsAsked(Paged):
    """Which escalations, those that changed last first."""

    state: Literal["open", EscalationKind] = Field("open", description="How it stands; `open` is all but `closed`.")
    team: PlainName | None = None
    trigger: Trigger | None = None


class PeopleAsked(Paged):
    """Which people, by id."""

    role: PlainName | None = None
    active: bool | None = None


def add_desk_routes(app: FastAPI, database: Database, clock: Clock) -> None:
    @app.get("/v1/me", summary="Says who calls", **described("people"))
    async def me(caller: Annotated[Caller, Depends(caller_of)]) -> Me:
        return Me(
            person=caller.person,
            name=caller.name,
            role=caller.role,
            teams=list(caller.teams),
            may=list(caller.may),
            token=caller.token,
            label=caller.label,
        )

    @app.get("/v1/queues", summary="Counts what is open in each queue", **described("queues"))
    async def queues() -> list[QueueView]:
        now_ms = int(clock() * 1000)
        return await database.run(lambda connection: _queues(connection, now_ms))

    @app.get("/v1/timers", summary="Lists timers", **described("timers", 422))
    async def timers(asked: Annotated[TimersAsked, Query()]) -> Page[TimerView]:
        order = _TIMERS_UP if asked.state == "running" else _TIMERS_DOWN
        query = as_asked(select(*TimerView.columns(TIMERS)), asked, "state", "team", "brand", "target")
        rows, after = await database.run(lambda connection: page(connection, query, order, asked))
        return Page(items=[TimerView.of(row) for row in rows], next=after)

    @app.get("/v1/escalations", summary="Lists escalations", **described("escalations", 422))
    async def escalations(asked: Annotated[EscalationsAsked, Query()]) -> Page[EscalationView]:
        kinds = _OPEN_KINDS if asked.state == "open" else [asked.state]
        query = select(*EscalationView.columns(ESCALATIONS)).where(ESCALATIONS.c.state.in_(kinds))
        query = as_asked(query, asked, "team", "trigger")
        rows, after = await database.run(lambda connection: page(connection, query, _ESCALATIONS, asked))
        return Page(items=[EscalationView.of(row) for row in rows], next=after)

    @app.get("/v1/people", summary="Lists the people of the desk", **described("people", 422))
    async def people(asked: Annotated[PeopleAsked, Query()]) -> Page[PersonView]:
        query = as_asked(select(*PersonView.columns(PEOPLE)), asked, "role", "active")
        rows, after = await database.run(lambda connection: page(connection, query, _PEOPLE, asked))
        return Page(items=[PersonView.of(row) for row in rows], next=after)


def _queues(connection: Connection, now_ms: int) -> list[QueueView]:
    columns = CONVERSATIONS.c
    counts = {
        "open": func.count(),
        "waiting": func.count().filter(columns.waiting),
        "in_review": func.count().filter(columns.in_review > 0),
        "overdue": func.count().filter(columns.due_at < now_ms),
        "unowned": func.count().filter(columns.owner.is_(None)),
    }
    query = (
        select(columns.team, columns.queue, *[count.label(name) for name, count in counts.items()])
        .where(columns.status == "open")
        .group_by(columns.team, columns.queue)
        .order_by(columns.team, columns.queue)
    )
    return [QueueView.of(row) for row in connection.execute(query).mappings()]
