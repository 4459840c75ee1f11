"""Commands by HTTP, answered by the real desk on a real Kafka."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, update

from console.desk_answers import DeskAnswers
from console.tables import COMMANDS, PEOPLE
from console.tokens import add_token
from schemas.codecs import UndecodableRecord, decode, encode
from schemas.desk_events import ConversationChanged, DeskAnswer
from schemas.desk_records import DeskCommand, Note
from streams.topics import DESK_EVENTS, DESK_INBOX
from tests.console.commanded_desk import LEFT, Counter, counter, opened, write_inbox
from tests.console.desk_api import bearer, hire, token_of
from tests.console.rows import at, command
from tests.product_topics import records_of


@pytest.fixture
def staff(read_model: Engine) -> Engine:
    """The read model, which knows the staff."""
    with read_model.begin() as connection:
        hire(connection)
    return read_model


@pytest.fixture
async def desk(staffed_kafka: str, staff: Engine) -> AsyncIterator[Counter]:
    async with counter(staffed_kafka, staff) as made:
        yield made


async def commands_on(kafka: str, key: str) -> list[DeskCommand]:
    """Those in the log."""
    found = [decode(record.value) for record in await records_of(kafka, DESK_INBOX.name, key)]
    return [record for record in found if isinstance(record, DeskCommand)]


async def notes_on(kafka: str, key: str) -> list[str | None]:
    """The texts of the notes that the desk has taken."""
    found = [decode(record.value) for record in await records_of(kafka, DESK_EVENTS.name, key)]
    return [event.text for event in found if isinstance(event, ConversationChanged) and event.kind == "noted"]


async def test_who_claims_first_has_the_conversation_and_the_other_is_told_who(desk: Counter) -> None:
    key = await opened(desk.kafka)
    mine, theirs = await desk.give("ann", key, "claim"), await desk.give("bob", key, "claim")
    assert (mine.status_code, mine.json()["code"], mine.json()["fence"]["holder"]) == (200, "accepted", "ann")
    assert (theirs.status_code, theirs.json()["code"]) == (409, "claimed_by_other")
    assert theirs.json()["fence"]["holder"] == "ann"
    assert "ann" in theirs.json()["reason"]


async def test_a_reply_with_the_token_of_the_claim_is_accepted(desk: Counter) -> None:
    key = await opened(desk.kafka)
    token = await desk.token("ann", key)
    answer = await desk.give("ann", key, "reply", token=token, last_inbound="m1", text="It is on its way.")
    assert (answer.status_code, answer.json()["code"]) == (200, "accepted")
    assert answer.json()["reply"]


async def test_a_promise_above_ones_authority_is_held_and_that_is_a_success(desk: Counter) -> None:
    key = await opened(desk.kafka)
    token, promise = await desk.token("ann", key), {"action": "refund", "amount": 900_000, "currency": "EUR"}
    answer = await desk.give("ann", key, "reply", token=token, last_inbound="m1", text="All back.", promises=[promise])
    assert (answer.status_code, answer.json()["code"]) == (200, "held_for_approval")


async def test_the_same_command_again_has_the_same_answer_and_is_not_done_again(desk: Counter) -> None:
    key = await opened(desk.kafka)
    first = await desk.give("ann", key, "note", "n1", text="once")
    again = await desk.give("ann", key, "note", "n1", text="once")
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, first.json())
    sent = await commands_on(desk.kafka, key)
    assert len(sent) == 2
    assert sent[0] == sent[1]  # the id and the time that it had before
    assert await notes_on(desk.kafka, key) == ["once"]


async def test_a_refusal_is_repeated_too_whatever_has_changed(desk: Counter) -> None:
    key = await opened(desk.kafka)
    await desk.give("ann", key, "claim")
    first = await desk.give("bob", key, "claim", "c1")
    await desk.give("ann", key, "release")
    again = await desk.give("bob", key, "claim", "c1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())


async def test_an_idempotency_key_for_something_else_is_refused(desk: Counter) -> None:
    key = await opened(desk.kafka)
    await desk.give("ann", key, "note", "n1", text="once")
    other = await desk.give("ann", key, "note", "n1", text="twice")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await notes_on(desk.kafka, key) == ["once"]


async def test_an_idempotency_key_is_ones_own_and_of_one_conversation(desk: Counter) -> None:
    one, two = await opened(desk.kafka), await opened(desk.kafka)
    given = [
        await desk.give("ann", one, "note", "n1", text="a"),
        await desk.give("bob", one, "note", "n1", text="b"),
        await desk.give("ann", two, "note", "n1", text="c"),
    ]
    assert [answer.status_code for answer in given] == [200] * 3
    assert len({answer.json()["command"] for answer in given}) == 3


async def test_a_repeat_that_the_desk_can_no_longer_tell_is_refused_and_not_done_again(desk: Counter) -> None:
    key = await opened(desk.kafka)
    await desk.give("ann", key, "note", "n1", text="once")
    later = datetime.now(UTC) + timedelta(seconds=1)
    notes = [
        DeskCommand(id=f"{key} {number}", conversation=key, by="bob", sent_at=later, action=Note(text="more"))
        for number in range(70)
    ]
    await write_inbox(desk.kafka, [(key, note) for note in notes])
    again = await desk.give("ann", key, "note", "n1", text="once")
    assert (again.status_code, again.json()["code"]) == (409, "stale")
    assert (await notes_on(desk.kafka, key)).count("once") == 1


async def test_a_command_that_the_read_model_has_answered_is_not_written_again(desk: Counter) -> None:
    key = await opened(desk.kafka)
    first = (await desk.give("ann", key, "note", "n1", text="once")).json()
    row = command(first["command"], key, action="note", answer=first)
    with desk.engine.begin() as connection:
        connection.execute(insert(COMMANDS).values(row))
    again = await desk.give("ann", key, "note", "n1", text="once")
    assert (again.status_code, again.json()) == (200, first)
    assert len(await commands_on(desk.kafka, key)) == 1
    state = (await desk.client.get(f"/v1/commands/{first['command']}", headers=bearer("eve"))).json()
    assert (state["state"], state["answer"]) == ("answered", first)


async def test_a_command_without_an_answer_in_time_is_taken_and_told_later(staffed_kafka: str, staff: Engine) -> None:
    key = await opened(staffed_kafka)
    async with counter(staffed_kafka, staff, answer_s=0.0) as hasty:
        taken = await hasty.give("ann", key, "note", "n1", text="once")
        assert taken.status_code == 202
        waiting = await hasty.client.get(taken.headers["Location"], headers=bearer("eve"))
    assert waiting.json() == taken.json()
    assert (waiting.json()["state"], waiting.json()["answer"], waiting.json()["by"]) == ("waiting", None, "ann")
    async with counter(staffed_kafka, staff) as patient:
        answer = await patient.give("ann", key, "note", "n1", text="once")
    assert (answer.status_code, answer.json()["command"]) == (200, taken.json()["id"])
    assert await notes_on(staffed_kafka, key) == ["once"]


async def test_a_conversation_that_the_desk_does_not_know_is_404(desk: Counter) -> None:
    answer = await desk.give("ann", "Delta:x:nobody-wrote", "claim")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_conversation")


async def test_who_has_left_by_the_log_is_refused_though_the_read_model_does_not_know_yet(desk: Counter) -> None:
    with desk.engine.begin() as connection:
        add_token(connection, token_of(LEFT.id), LEFT.id, "old", at(0))
        row = {"id": LEFT.id, "name": LEFT.name, "role": LEFT.role, "teams": [], "active": True}
        connection.execute(insert(PEOPLE).values(row))
    answer = await desk.give(LEFT.id, await opened(desk.kafka), "claim")
    assert (answer.status_code, answer.json()["code"]) == (403, "unknown_person")


async def test_a_role_that_may_something_but_not_this_is_refused_by_the_desk(desk: Counter) -> None:
    answer = await desk.give("apu", await opened(desk.kafka), "claim")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_a_new_role_in_the_read_model_counts_for_reading_at_once(desk: Counter) -> None:
    with desk.engine.begin() as connection:
        connection.execute(update(PEOPLE).where(PEOPLE.c.id == "ann").values(role="read_only"))
    answer = await desk.give("ann", await opened(desk.kafka), "claim")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_the_token_of_somebody_elses_claim_is_of_no_use(desk: Counter) -> None:
    key = await opened(desk.kafka)
    token = await desk.token("ann", key)
    answer = await desk.give("bob", key, "reply", token=token, last_inbound="m1", text="Mine!")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_token")


async def test_what_is_closed_takes_no_reply(desk: Counter) -> None:
    key = await opened(desk.kafka)
    assert (await desk.give("ann", key, "resolve", last_inbound="m1")).status_code == 200
    answer = await desk.give("ann", key, "claim")
    assert (answer.status_code, answer.json()["code"]) == (409, "closed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"do": "claim", "by": "lea"}, "by"),
        ({"do": "dance"}, "body"),
        ({}, "body"),
        ({"do": "note"}, "text"),
        ({"do": "note", "text": "a\0b"}, "body"),
        ({"do": "note", "text": ""}, "text"),
        (
            {"do": "reply", "token": "t", "last_inbound": "m", "text": "x", "promises": [{"action": 1}]},
            "promises.0.action",
        ),
        ({"do": "snooze", "until": "2026-03-02T12:00:00"}, "until"),
        ({"do": "label", "mention": "m1", "type": "rain"}, "type"),
        ([1], "body"),
        ("claim", "body"),
    ],
)
async def test_a_command_with_something_wrong_is_refused_by_its_name(desk: Counter, body: object, field: str) -> None:
    headers = {**bearer("ann"), "Idempotency-Key": "k"}
    answer = await desk.client.post("/v1/conversations/Delta:x:1/commands", headers=headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), answer.text
    assert [problem["field"] for problem in answer.json()["fields"]] == [field], answer.text
    assert "dance" not in answer.text


@pytest.mark.parametrize("idempotency_key", [None, "", "two words", "x" * 129])
async def test_a_command_needs_an_idempotency_key(desk: Counter, idempotency_key: str | None) -> None:
    headers = bearer("ann") | ({} if idempotency_key is None else {"Idempotency-Key": idempotency_key})
    answer = await desk.client.post("/v1/conversations/Delta:x:1/commands", headers=headers, json={"do": "claim"})
    assert [problem["field"] for problem in answer.json()["fields"]] == ["Idempotency-Key"], answer.text


async def test_each_command_is_a_line_in_the_log_without_its_text(
    desk: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tenfour.console")
    key = await opened(desk.kafka)
    answer = await desk.give("ann", key, "note", text="a secret")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "tenfour.console.commands"]
    told = json.loads(line.removeprefix("command "))
    assert told["command"] == answer.json()["command"]
    assert (told["by"], told["do"], told["conversation"]) == ("ann", "note", key)
    assert (told["status"], told["code"]) == (200, "accepted")
    assert "secret" not in line


async def test_many_at_once_are_all_answered_and_one_of_them_wins(desk: Counter) -> None:
    key = await opened(desk.kafka)
    found = await asyncio.gather(*[desk.give(by, key, "claim") for by in ("ann", "bob", "lea", "ada") * 5])
    holders = {answer.json()["fence"]["holder"] for answer in found}
    assert len(holders) == 1
    assert sorted({answer.status_code for answer in found}) == [200, 409]
    assert sum(answer.status_code == 200 for answer in found) == 5  # the winner's


async def test_what_is_no_answer_ends_the_reader_and_is_not_passed_over() -> None:
    answers = DeskAnswers()
    with answers.awaited("k1") as answer:
        answers.tell(b'{"record":"conversation_changed","version":1}')
        with pytest.raises(UndecodableRecord):
            answers.tell(b'{"record":"desk_answer","version":1}')
        given = DeskAnswer.model_validate(command("k1")["answer"])
        answers.tell(encode(given))
    assert await answer == given
