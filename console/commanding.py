"""Gives commands to the desk, and to incidents, and waits for the answers.

A command's id derives from who gives it, the conversation or incident, and the caller's Idempotency-Key. It is noted
before it is written to the log: a repeat then has the id and the time that it had before, so the desk knows it as a
repeat, or refuses it as too old to tell, and never does it twice. The read model has the answers of all commands; a
repeat of one that is answered there is not written again.
"""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from console.answers import ANSWERS, Answer, Command, inbox_of, subject_of
from console.database import is_postgresql
from console.desk_answers import DeskAnswers
from console.sql_threads import Database
from console.tables import COMMANDS, SENT_COMMANDS
from console.views import CommandState
from domain.instants import from_ms, to_ms
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.desk_records import Action, DeskCommand
from schemas.ids import derive_id
from schemas.incident_records import IncidentAction, IncidentCommand
from streams.http_refusals import RefusedRequest
from streams.http_writing import AwaitedWrites
from streams.record_batches import Outbox, OutgoingRecord

SOURCE: Final = "/tenfour/console"
ANSWER_S: Final = 2.0
"""Seconds from a request until the caller is told to ask again later."""


def new_command(by: str, conversation: str, idempotency_key: str, action: Action, now_ms: int) -> DeskCommand:
    """The command as the log has it; the same key of the same person in the same conversation is the same command."""
    return DeskCommand(
        id=derive_id("desk_command", by, idempotency_key, conversation),
        conversation=conversation,
        by=by,
        sent_at=from_ms(now_ms),
        action=action.model_dump(),
    )


def new_incident_command(
    by: str, incident: str, idempotency_key: str, action: IncidentAction, now_ms: int
) -> IncidentCommand:
    """As `new_command`, for an incident."""
    return IncidentCommand(
        id=derive_id("incident_command", by, idempotency_key, incident),
        incident=incident,
        by=by,
        sent_at=from_ms(now_ms),
        action=action.model_dump(),
    )


class Commanding:
    """Gives commands for callers who wait."""

    def __init__(
        self,
        database: Database,
        writes: AwaitedWrites,
        answers: DeskAnswers,
        partitions: int,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._database, self._writes, self._answers = database, writes, answers
        self._partitions, self._answer_s = partitions, answer_s

    async def give(self, command: Command) -> Answer | None:
        """The answer; None if there is none in time: the command is in the log then, and will be answered.

        Raises RefusedRequest if the same Idempotency-Key was used for something else, or the log can't be written.
        """
        late = asyncio.get_running_loop().time() + self._answer_s
        command, known = await self._database.run(lambda connection: _noted(connection, command))
        if known is not None:
            return known
        with self._answers.awaited(command.id) as answer:
            await self._write(command)
            await asyncio.wait([answer], timeout=late - asyncio.get_running_loop().time())
            return answer.result() if answer.done() else None

    async def _write(self, command: Command) -> None:
        key, outbox = subject_of(command).encode(), Outbox()
        record = OutgoingRecord(key, encode(command), headers_of(command, SOURCE), to_ms(command.sent_at))
        outbox.to_key(inbox_of(command), key, self._partitions).append(record)
        advice = "send it again with the same Idempotency-Key"
        await self._writes.write(outbox, f"command {command.id}", advice)


def command_state(connection: Connection, id_: str) -> CommandState | None:
    """What has become of a command, sent by whatever way; None of one that is not known."""
    row = connection.execute(select(COMMANDS).where(COMMANDS.c.id == id_)).one_or_none()
    if row is not None:
        answer = ANSWERS.validate_python(row.answer)
        return CommandState(id=id_, conversation=row.conversation, by=row.by, state="answered", answer=answer)
    sent = connection.execute(select(SENT_COMMANDS).where(SENT_COMMANDS.c.id == id_)).one_or_none()
    if sent is None:
        return None
    return CommandState(id=id_, conversation=sent.conversation, by=sent.by, state="waiting", answer=None)


def _noted(connection: Connection, command: Command) -> tuple[Command, Answer | None]:
    """The command with the time at which it was sent first, and its answer if the read model has it."""
    digest = derive_id("desk_action", encode(command.action).decode())
    row = {
        "id": command.id,
        "conversation": subject_of(command),
        "by": command.by,
        "action": digest,
        "sent_at": to_ms(command.sent_at),
    }
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    # First of all: a transaction that has read can't write any more where SQLite was written meanwhile.
    connection.execute(insert(SENT_COMMANDS).values(row).on_conflict_do_nothing())
    sent = connection.execute(select(SENT_COMMANDS).where(SENT_COMMANDS.c.id == command.id)).one()
    if sent.action != digest:
        raise RefusedRequest(
            422,
            "this Idempotency-Key was used for another command here; take a new one",
            code="idempotency_key_reused",
        )
    answer = connection.scalar(select(COMMANDS.c.answer).where(COMMANDS.c.id == command.id))
    again = command.model_copy(update={"sent_at": from_ms(sent.sent_at)})
    return again, None if answer is None else ANSWERS.validate_python(answer)
