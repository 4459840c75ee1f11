"""Routes that show incidents, and give them what people decide."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Body, Depends, FastAPI, Path, Query, Response
from pydantic import AfterValidator, Field
from sqlalchemy import Connection, select

from console.callers import Caller
from console.command_answers import Clock, IdempotencyKey, answered, described_with_answers
from console.command_forms import INCIDENT_EXAMPLES, IncidentCommandForm
from console.commanding import Commanding, new_incident_command
from console.described import described
from console.pages import PAIR, Order, Paged, as_asked, page
from console.rights import caller_of
from console.routes_conversations import latest
from console.sql_threads import Database
from console.tables import INCIDENT_MEMBERS, INCIDENTS, TRAIL
from console.views import IncidentDetail, IncidentView, MemberView, Page, TrailView
from schemas.ids import incident_key
from schemas.incident_records import IncidentChanged, IncidentStatus
from schemas.record_fields import MAX_NAME_CHARACTERS, PlainName, without_nul
from streams.http_refusals import RefusedRequest

_NEWEST: Final = Order("incidents", (INCIDENTS.c.changed_at, INCIDENTS.c.id), PAIR, descending=True)
_OPEN: Final[tuple[IncidentStatus, ...]] = ("proposed", "confirmed")
_REFUSED: Final = "Refused: `code` and `reason` say why, and the rest how the incident stands."

IncidentInPath = Annotated[
    str,
    Path(alias="id", min_length=1, max_length=MAX_NAME_CHARACTERS, examples=["dd8727620092ad7bcee132551f5fa8cb"]),
    AfterValidator(without_nul),
]


class IncidentsAsked(Paged):
    """Which incidents, those that changed last first."""

    status: Literal["open", IncidentStatus] = Field("open", description="`open` is `proposed` and `confirmed`.")
    brand: PlainName | None = None


def add_incident_routes(app: FastAPI, database: Database, commanding: Commanding, clock: Clock) -> None:
    @app.get("/v1/incidents", summary="Lists incidents", **described("incidents", 422))
    async def list_incidents(asked: Annotated[IncidentsAsked, Query()]) -> Page[IncidentView]:
        statuses = _OPEN if asked.status == "open" else (asked.status,)
        query = select(*IncidentView.columns(INCIDENTS)).where(INCIDENTS.c.status.in_(statuses))
        query = as_asked(query, asked, "brand")
        rows, after = await database.run(lambda connection: page(connection, query, _NEWEST, asked))
        return Page(items=[IncidentView.of(row) for row in rows], next=after)

    @app.get(
        "/v1/incidents/{id}",
        summary="Shows an incident with its conversations",
        **described("incidents", 404, 422),
    )
    async def show_incident(
        incident: IncidentInPath,
        state: Annotated[
            Literal["joined", "accepted", "answered", "skipped"] | None, Query(description="Of the members shown.")
        ] = None,
    ) -> IncidentDetail:
        found = await database.run(lambda connection: _detail(connection, incident, state))
        if found is None:
            raise RefusedRequest(404, "no such incident is known here, or not yet", code="unknown_incident")
        return found

    @app.post(
        "/v1/incidents/{id}/commands",
        summary="Decides on an incident",
        description="Waits for what comes of it, which is committed to the log before it is told here. docs/desk.md "
        "says what each `do` does.",
        response_model=IncidentChanged,
        response_description="Done: what happened, and how the incident stands.",
        **described_with_answers("incidents", IncidentChanged, _REFUSED),
    )
    async def decide(
        incident: IncidentInPath,
        form: Annotated[IncidentCommandForm, Body(openapi_examples=INCIDENT_EXAMPLES)],
        idempotency_key: IdempotencyKey,
        caller: Annotated[Caller, Depends(caller_of)],
    ) -> Response:
        began = clock()
        command = new_incident_command(caller.person, incident, idempotency_key, form.root, int(began * 1000))
        return await answered(commanding, caller, command, began, clock)


def _detail(connection: Connection, id_: str, state: str | None) -> IncidentDetail | None:
    query = select(*IncidentView.columns(INCIDENTS)).where(INCIDENTS.c.id == id_)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    members = [INCIDENT_MEMBERS.c.incident == id_]
    if state is not None:
        members.append(INCIDENT_MEMBERS.c.state == state)
    trail = [TRAIL.c.conversation == incident_key(id_)]
    return IncidentDetail(
        incident=IncidentView.of(row),
        members=latest(connection, MemberView, INCIDENT_MEMBERS, members, "joined_at", "conversation"),
        trail=latest(connection, TrailView, TRAIL, trail, "at", "sequence", "id"),
    )
