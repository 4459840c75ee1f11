"""`incident-inbox` -> `incidents`, and `desk-inbox` for each conversation: what people decide about many at once."""

from __future__ import annotations

from agents.keep_policies import KnownPolicies
from domain.incidents import Heard, Incidents, IncidentStep, incident_of
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode, start_of
from schemas.desk_events import ConversationChanged, DeskAnswer
from schemas.desk_records import DeskCommand, Person
from schemas.ids import incident_key
from schemas.incident_records import IncidentChanged, IncidentCommand, IncidentProposed
from streams.dead_letters import MisplacedRecord, add_dead_letter
from streams.metrics import INCIDENTS as INCIDENT_CHANGES
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch, holds
from streams.stages import Stage
from streams.topics import DESK_INBOX, INCIDENT_INBOX, INCIDENTS, INCIDENTS_STATE

STAGE = "incidents"
SOURCE = f"/tenfour/{STAGE}"
_CODEC = Codec[Heard | Person](IncidentProposed, IncidentCommand, DeskAnswer, ConversationChanged, Person)


class IncidentsFold:
    """The incidents of one partition, between the log and the log. Their conversations are in all partitions."""

    def __init__(self, partition: int, policies: KnownPolicies, partitions: int) -> None:
        self._partition, self._partitions = partition, partitions
        self._incidents = Incidents(policies.policy)

    def restore(self, key: bytes, value: bytes | None) -> None:
        self._incidents.restore(key, value)

    def restored(self) -> None:
        self._incidents.restored()

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        for record in batch.records:
            try:
                step = self._incidents.fold(_decoded(record))
            except ValueError as error:
                add_dead_letter(outbox, STAGE, record, error)
                continue
            self._write(step, record, outbox)
        state, timestamp = outbox.to(INCIDENTS_STATE.name, self._partition), batch.records[-1].timestamp
        state.extend([OutgoingRecord(key, value, [], timestamp) for key, value in self._incidents.take_changes()])

    def given_up(self) -> None:
        """Nothing is shown of a single partition."""

    def checkpoint(self, outbox: Outbox) -> None:
        """All changes have been written."""

    def _write(self, step: IncidentStep, cause: ReceivedRecord, outbox: Outbox) -> None:
        for event in step.events:
            INCIDENT_CHANGES.labels(event.kind).inc()
            outbox.to(INCIDENTS.name, self._partition).append(_outgoing(incident_key(event.incident), event, cause))
        for command in step.commands:
            outgoing = _outgoing(command.conversation, command, cause)
            outbox.to_key(DESK_INBOX.name, command.conversation.encode(), self._partitions).append(outgoing)


def incidents_stage(partitions: int) -> Stage:
    """`partitions`: of every topic."""
    policies = KnownPolicies()
    INCIDENT_CHANGES.start_at_zero()
    return Stage(
        STAGE,
        INCIDENT_INBOX,
        new_fold=lambda partition: IncidentsFold(partition, policies, partitions),
        state=INCIDENTS_STATE,
        hurries=holds(start_of(IncidentCommand)),
        before_start=policies.read,
        background=policies.follow,
    )


def _decoded(record: ReceivedRecord) -> Heard | Person:
    """Raises UndecodableRecord or MisplacedRecord."""
    found = _CODEC.decode(record.value)
    if not isinstance(found, Person) and record.key != incident_key(incident_of(found) or "").encode():
        raise MisplacedRecord(f"{found.record} {found.id}: its key is not its incident; mend the sender")
    return found


def _outgoing(key: str, record: IncidentChanged | DeskCommand, cause: ReceivedRecord) -> OutgoingRecord:
    return OutgoingRecord(key.encode(), encode(record), headers_of(record, SOURCE), cause.timestamp)
