"""`desk-inbox` -> `desk-events`, and `sla-timer` for the clock: who has what, who answers, whom to tell."""

from __future__ import annotations

from agents.keep_policies import KnownPolicies
from agents.watch_ticks import TicksSeen
from domain.desk import Desk, Said
from domain.desk_budget import shares_of_the_response
from domain.desk_turn import DeskTimer, Rules, Step
from domain.working_time import WorkingTime
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode, start_of
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold, EscalationChanged, ReplyToPublish
from schemas.desk_records import DeskCommand, DeskInbound, Person
from schemas.ids import incident_key, incident_of_command
from schemas.outcomes import ReplyOutcome
from schemas.records import SlaEvent, Tick, TimerRespond
from streams.dead_letters import MisplacedRecord, add_dead_letter
from streams.logs import logger
from streams.metrics import DESK_ANSWERS, DESK_ESCALATIONS, DESK_REPLIES
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch, holds
from streams.stages import Stage
from streams.topics import DESK_EVENTS, DESK_INBOX, DESK_STATE, INCIDENT_INBOX, SLA_TIMER

STAGE = "desk"
SOURCE = f"/tenfour/{STAGE}"
_LOG = logger(STAGE)
INBOX_RECORDS = Codec[Said | Person | Tick](
    DeskInbound, DeskCommand, SlaEvent, TimerRespond, ReplyOutcome, Person, Tick
)


class DeskFold:
    """The desk of one partition, between the log and the log."""

    def __init__(
        self, partition: int, policies: KnownPolicies, time: WorkingTime, partitions: int, ticks: TicksSeen
    ) -> None:
        self._partition, self._partitions, self._ticks = partition, partitions, ticks
        self._desk = Desk(lambda people: Rules(policies.policy, time, people, shares_of_the_response(time)))
        self._timestamp = 0

    def restore(self, key: bytes, value: bytes | None) -> None:
        self._desk.restore(key, value)

    def restored(self) -> None:
        self._desk.restored()
        self._ticks.saw(self._partition, self._desk.last_tick)

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        self._timestamp = batch.records[-1].timestamp
        for record in batch.records:
            try:
                step = self._desk.fold(_decoded(record))
            except ValueError as error:
                add_dead_letter(outbox, STAGE, record, error)
                continue
            self._write(step, record, outbox)
        self._ticks.saw(self._partition, self._desk.last_tick)
        self._add_state(outbox, self._desk.take_changes())

    def given_up(self) -> None:
        self._ticks.lost(self._partition)

    def checkpoint(self, outbox: Outbox) -> None:
        self._add_state(outbox, self._desk.take_changes(with_tick=True))

    def _write(self, step: Step, cause: ReceivedRecord, outbox: Outbox) -> None:
        for event in step.events:
            _count(event)
            self._tell_incident(event, cause, outbox)
        if step.events:
            told = outbox.to(DESK_EVENTS.name, self._partition)
            told.extend([_outgoing(event, cause) for event in step.events])
        if step.timers:
            timers = outbox.to(SLA_TIMER.name, self._partition)
            timers.extend([_outgoing(timer, cause) for timer in step.timers])

    def _tell_incident(self, event: DeskTold, cause: ReceivedRecord, outbox: Outbox) -> None:
        """What became of a reply that an incident has asked for concerns the incident too."""
        command = event.command if isinstance(event, DeskAnswer | ConversationChanged) else None
        incident = None if command is None else incident_of_command(command)
        if incident is not None:
            key = incident_key(incident).encode()
            record = OutgoingRecord(key, encode(event), headers_of(event, SOURCE), cause.timestamp)
            outbox.to_key(INCIDENT_INBOX.name, key, self._partitions).append(record)

    def _add_state(self, outbox: Outbox, changes: list[tuple[bytes, bytes | None]]) -> None:
        state = outbox.to(DESK_STATE.name, self._partition)
        state.extend([OutgoingRecord(key, value, [], self._timestamp) for key, value in changes])


def desk_stage(partitions: int) -> Stage:
    """`partitions`: of every topic."""
    policies = KnownPolicies()
    time, ticks = WorkingTime(policies.get), TicksSeen()
    DESK_ANSWERS.start_at_zero(action=("claim", "reply"))
    DESK_ESCALATIONS.start_at_zero()
    return Stage(
        STAGE,
        DESK_INBOX,
        new_fold=lambda partition: DeskFold(partition, policies, time, partitions, ticks),
        state=DESK_STATE,
        hurries=holds(start_of(DeskCommand)),  # somebody waits for the answer
        before_start=policies.read,
        background=policies.follow,
        problem=ticks.problem,
    )


def _decoded(record: ReceivedRecord) -> Said | Person | Tick:
    """Raises UndecodableRecord or MisplacedRecord."""
    found = INBOX_RECORDS.decode(record.value)
    if not isinstance(found, Person | Tick) and record.key != found.conversation.encode():
        raise MisplacedRecord(f"{found.record} {found.id}: its key is not its conversation; mend the sender")
    return found


def _count(event: DeskTold) -> None:
    if isinstance(event, DeskAnswer):
        DESK_ANSWERS.labels(event.action, event.code).inc()
    elif isinstance(event, ReplyToPublish):
        DESK_REPLIES.inc()
    elif isinstance(event, EscalationChanged):
        DESK_ESCALATIONS.labels(event.trigger, event.kind).inc()
        _LOG.info(
            "escalation",
            conversation=event.conversation,
            kind=event.kind,
            trigger=event.trigger,
            escalation=event.escalation,
            step=event.step,
        )


def _outgoing(record: DeskTold | DeskTimer, cause: ReceivedRecord) -> OutgoingRecord:
    return OutgoingRecord(record.conversation.encode(), encode(record), headers_of(record, SOURCE), cause.timestamp)
