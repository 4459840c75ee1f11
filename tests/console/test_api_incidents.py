"""Incidents by HTTP: shown from the read model, decided by the real stage on a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from console.rebuild import rebuild
from console.routes_conversations import MAX_LATEST
from console.tables import COMMANDS, INCIDENT_MEMBERS, INCIDENTS, TRAIL
from schemas.codecs import decode
from schemas.ids import incident_key
from schemas.incident_records import IncidentCommand
from streams.topics import INCIDENT_INBOX
from tests.console.commanded_desk import Counter, counter, opened, proposed
from tests.console.desk_api import DeskApi, bearer, hire
from tests.console.rows import at, command, event, incident, member
from tests.console.test_api_lists import walked
from tests.product_topics import records_of

LIST = "/v1/incidents"


@pytest.fixture
async def counted(staffed_kafka: str, sqlite: Engine) -> AsyncIterator[Counter]:
    with sqlite.begin() as connection:
        hire(connection)
    async with counter(staffed_kafka, sqlite) as made:
        yield made


async def written(kafka: str, incident_: str) -> list[IncidentCommand]:
    found = [decode(record.value) for record in await records_of(kafka, INCIDENT_INBOX.name, incident_key(incident_))]
    return [record for record in found if isinstance(record, IncidentCommand)]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


# What is shown


async def test_open_incidents_come_by_what_changed_last(desk: DeskApi) -> None:
    desk.have(
        INCIDENTS,
        *[incident(f"i{number}", changed_at=at(number % 3)) for number in range(7)],
        incident("over", status="closed", changed_at=at(9)),
        incident("none", status="dismissed", changed_at=at(9), reason="two who ask the same"),
        incident("real", status="confirmed", changed_at=at(8), brand="Uber"),
    )
    assert ids(await walked(desk, LIST, 2)) == ["real", "i5", "i2", "i4", "i1", "i6", "i3", "i0"]
    assert ids(await walked(desk, LIST, 2, brand="Uber")) == ["real"]
    assert ids(await walked(desk, LIST, 2, status="closed")) == ["over"]
    (dismissed,) = await walked(desk, LIST, 2, status="dismissed")
    assert (dismissed["reason"], dismissed["changed_at"]) == ("two who ask the same", "2026-03-02T12:09:00Z")


async def test_an_incident_is_shown_with_its_conversations_and_what_happened(desk: DeskApi) -> None:
    desk.have(INCIDENTS, incident(text="We know.", statement="s", stated_by="ann"), incident("i2"))
    desk.have(
        INCIDENT_MEMBERS,
        member("Delta:x:2", joined_at=at(1), state="skipped", reason="in_review: label it"),
        member("Delta:x:1"),
        member("Delta:x:9", "i2"),
    )
    desk.have(TRAIL, event(1, "incident:i1", about="incident", kind="proposed"), event(2, "incident:i2"))
    shown = await desk.shown(f"{LIST}/i1")
    assert (shown["incident"]["id"], shown["incident"]["text"]) == ("i1", "We know.")
    assert [item["conversation"] for item in shown["members"]["items"]] == ["Delta:x:1", "Delta:x:2"]
    assert [item["kind"] for item in shown["trail"]["items"]] == ["proposed"]
    skipped = await desk.shown(f"{LIST}/i1", state="skipped")
    assert [item["reason"] for item in skipped["members"]["items"]] == ["in_review: label it"]


async def test_of_many_conversations_the_last_that_joined_are_shown(desk: DeskApi) -> None:
    desk.have(INCIDENTS, incident())
    desk.have(
        INCIDENT_MEMBERS, *[member(f"Delta:x:{number}", joined_at=at(number)) for number in range(MAX_LATEST + 5)]
    )
    members = (await desk.shown(f"{LIST}/i1"))["members"]
    assert (len(members["items"]), members["more"]) == (MAX_LATEST, True)
    assert members["items"][0]["conversation"] == "Delta:x:5"


async def test_an_incident_that_is_not_known_is_404(small_desk: DeskApi) -> None:
    answer = await small_desk.get(f"{LIST}/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_incident")


@pytest.mark.parametrize(
    ("query", "field"), [({"status": "over"}, "status"), ({"brand": "a\0b"}, "brand"), ({"limit": 201}, "limit")]
)
async def test_what_cannot_be_asked_of_incidents_is_told_by_its_name(
    small_desk: DeskApi, query: dict[str, Any], field: str
) -> None:
    answer = await small_desk.get(LIST, **query)
    assert [problem["field"] for problem in answer.json()["fields"]] == [field]


# What is decided


async def test_a_lead_confirms_an_agent_drafts_and_the_lead_sends_and_closes(counted: Counter) -> None:
    key = await opened(counted.kafka)
    id_ = await proposed(counted.kafka, key)
    confirmed = await counted.decide("lea", id_, "confirm")
    assert (confirmed.status_code, confirmed.json()["kind"]) == (200, "confirmed")
    assert (confirmed.json()["by"], confirmed.json()["incident"], confirmed.json()["all_members"]) == ("lea", id_, 1)
    stated = await counted.decide("ann", id_, "state", text="We know, and are on it.")
    assert (stated.status_code, stated.json()["text"]) == (200, "We know, and are on it.")
    approved = await counted.decide("lea", id_, "approve", statement=stated.json()["statement"])
    assert (approved.status_code, approved.json()["kind"]) == (200, "approved")
    closed = await counted.decide("lea", id_, "close")
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")


async def test_what_was_decided_is_shown_once_the_log_is_read(counted: Counter) -> None:
    key = await opened(counted.kafka)
    id_ = await proposed(counted.kafka, key)
    await counted.decide("lea", id_, "confirm")
    stated = (await counted.decide("ann", id_, "state", text="We know.")).json()
    await rebuild(counted.engine, counted.kafka, drop_older=True, progress=lambda _done, _of: None)
    shown = (await counted.client.get(f"{LIST}/{id_}", headers=bearer("eve"))).json()
    stands = shown["incident"]
    assert (stands["status"], stands["confirmed_by"], stands["stated_by"]) == ("confirmed", "lea", "ann")
    assert (stands["statement"], stands["text"]) == (stated["statement"], "We know.")
    assert [item["conversation"] for item in shown["members"]["items"]] == [key]
    assert {item["kind"] for item in shown["trail"]["items"]} == {"proposed", "confirmed", "stated"}
    answer = (await counted.client.get(f"/v1/commands/{stated['cause']}", headers=bearer("eve"))).json()
    assert (answer["state"], answer["answer"]) == ("answered", stated)


async def test_an_incident_is_dismissed_with_a_reason_and_then_takes_no_more(counted: Counter) -> None:
    id_ = await proposed(counted.kafka, "Delta:x:1")
    dismissed = await counted.decide("lea", id_, "dismiss", reason="two who ask the same")
    assert (dismissed.status_code, dismissed.json()["reason"]) == (200, "two who ask the same")
    refused = await counted.decide("lea", id_, "confirm")
    assert (refused.status_code, refused.json()["kind"], refused.json()["code"]) == (409, "refused", "closed")
    assert refused.json()["action"] == "confirm"


async def test_ones_own_statement_is_for_somebody_else_to_send(counted: Counter) -> None:
    id_ = await proposed(counted.kafka, "Delta:x:1")
    await counted.decide("lea", id_, "confirm")
    stated = await counted.decide("lea", id_, "state", text="We know.")
    refused = await counted.decide("lea", id_, "approve", statement=stated.json()["statement"])
    assert (refused.status_code, refused.json()["code"]) == (409, "own_statement")


async def test_a_role_that_may_not_decide_is_refused_by_the_stage(counted: Counter) -> None:
    id_ = await proposed(counted.kafka, "Delta:x:1")
    answer = await counted.decide("ann", id_, "confirm")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "approve" in answer.json()["error"]


async def test_a_decision_on_an_incident_that_nobody_proposed_is_404(counted: Counter) -> None:
    answer = await counted.decide("lea", "nowhere", "confirm")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_incident")


async def test_the_same_decision_again_has_the_same_answer(counted: Counter) -> None:
    id_ = await proposed(counted.kafka, "Delta:x:1")
    first = await counted.decide("lea", id_, "confirm", "k1")
    again = await counted.decide("lea", id_, "confirm", "k1")
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, first.json())
    sent = await written(counted.kafka, id_)
    assert sent == [sent[0]] * 2
    other = await counted.decide("lea", id_, "close", "k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_decision_that_the_read_model_has_is_told_from_there(counted: Counter) -> None:
    id_ = await proposed(counted.kafka, "Delta:x:1")
    first = (await counted.decide("lea", id_, "confirm", "k1")).json()
    row = command(first["cause"], incident_key(id_), action="confirm", by="lea") | {"answer": first}
    with counted.engine.begin() as connection:
        connection.execute(insert(COMMANDS).values(row))
    again = await counted.decide("lea", id_, "confirm", "k1")
    assert (again.status_code, again.json()) == (200, first)
    assert len(await written(counted.kafka, id_)) == 1
    state = (await counted.client.get(f"/v1/commands/{first['cause']}", headers=bearer("eve"))).json()
    assert (state["state"], state["answer"]) == ("answered", first)
    listed = await counted.client.get("/v1/commands", headers=bearer("eve"), params={"conversation": incident_key(id_)})
    assert [item["answer"] for item in listed.json()["items"]] == [first]


async def test_a_decision_without_an_answer_in_time_is_taken_and_told_later(staffed_kafka: str, sqlite: Engine) -> None:
    with sqlite.begin() as connection:
        hire(connection)
    id_ = await proposed(staffed_kafka, "Delta:x:1")
    async with counter(staffed_kafka, sqlite, answer_s=0.0) as hasty:
        taken = await hasty.decide("lea", id_, "confirm", "k1")
        assert taken.status_code == 202
        waiting = await hasty.client.get(taken.headers["Location"], headers=bearer("eve"))
    assert (waiting.json(), waiting.json()["conversation"]) == (taken.json(), incident_key(id_))
    async with counter(staffed_kafka, sqlite) as patient:
        answer = await patient.decide("lea", id_, "confirm", "k1")
    assert (answer.status_code, answer.json()["cause"]) == (200, taken.json()["id"])


async def test_of_leads_who_confirm_at_once_one_has_and_all_are_answered(counted: Counter) -> None:
    id_ = await proposed(counted.kafka, "Delta:x:1")
    found = await asyncio.gather(*[counted.decide(by, id_, "confirm") for by in ("lea", "ada", "apu") * 3])
    assert sorted(answer.status_code for answer in found) == [200] + [409] * 8
    assert {answer.json()["code"] for answer in found if answer.status_code == 409} == {"already_confirmed"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"do": "confirm", "by": "ada"}, "by"),
        ({"do": "claim"}, "body"),
        ({"do": "dismiss"}, "reason"),
        ({"do": "state", "text": "a\0b"}, "body"),
        ({"do": "state", "text": ""}, "text"),
        ({"do": "approve"}, "statement"),
        ([1], "body"),
    ],
)
async def test_a_decision_with_something_wrong_is_refused_by_its_name(
    counted: Counter, body: object, field: str
) -> None:
    headers = {**bearer("lea"), "Idempotency-Key": "k"}
    answer = await counted.client.post(f"{LIST}/i1/commands", headers=headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), answer.text
    assert [problem["field"] for problem in answer.json()["fields"]] == [field], answer.text
