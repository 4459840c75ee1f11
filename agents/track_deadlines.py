"""`sla-timer` -> `sla-events`: starts and stops clocks, and says who is late."""

from __future__ import annotations

from agents.keep_policies import KnownCalendars
from domain.clock import FACTS, Clock, Fact
from domain.working_time import WorkingTime
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode
from schemas.records import SlaEvent, Tick
from streams.dead_letters import add_dead_letter
from streams.metrics import LAST_TICK, OPEN_TIMERS, VERDICT_DELAY
from streams.metrics import SLA_EVENTS as SLA_EVENTS_WRITTEN
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch
from streams.stages import Stage
from streams.topics import DEADLINES_STATE, SLA_EVENTS, SLA_TIMER

STAGE = "deadlines"
SOURCE = f"/tenfour/{STAGE}"
TIMER_RECORDS = Codec[Fact | Tick](*FACTS, Tick)


class DeadlinesFold:
    """The clock of one partition, between the log and the log."""

    def __init__(self, partition: int, time: WorkingTime) -> None:
        self._partition = partition
        self._clock = Clock(time)
        self._timestamp = 0

    def restore(self, key: bytes, value: bytes | None) -> None:
        self._clock.restore(key, value)

    def restored(self) -> None:
        self._clock.restored()
        self._report_open()

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        events = outbox.to(SLA_EVENTS.name, self._partition)
        self._timestamp = batch.records[-1].timestamp
        for record in batch.records:
            try:
                happened = self._clock.fold(TIMER_RECORDS.decode(record.value))
            except ValueError as error:
                add_dead_letter(outbox, STAGE, record, error)
                continue
            events.extend([_outgoing(event, record) for event in happened])
        self._add_state(outbox, self._clock.take_changes())
        self._report_open()

    def given_up(self) -> None:
        OPEN_TIMERS.remove(str(self._partition))
        LAST_TICK.remove(str(self._partition))

    def checkpoint(self, outbox: Outbox) -> None:
        self._add_state(outbox, self._clock.take_changes(with_tick=True))

    def _add_state(self, outbox: Outbox, changes: list[tuple[bytes, bytes | None]]) -> None:
        state = outbox.to(DEADLINES_STATE.name, self._partition)
        state.extend([OutgoingRecord(key, value, [], self._timestamp) for key, value in changes])

    def _report_open(self) -> None:
        OPEN_TIMERS.labels(str(self._partition)).set(self._clock.open_cycles)
        if self._clock.last_tick is not None:
            LAST_TICK.labels(str(self._partition)).set(self._clock.last_tick.timestamp())


def deadlines_stage() -> Stage:
    calendars = KnownCalendars()
    time = WorkingTime(calendars.get)
    return Stage(
        STAGE,
        SLA_TIMER,
        new_fold=lambda partition: DeadlinesFold(partition, time),
        state=DEADLINES_STATE,
        before_start=calendars.read,
        background=calendars.follow,
    )


def _outgoing(event: SlaEvent, cause: ReceivedRecord) -> OutgoingRecord:
    SLA_EVENTS_WRITTEN.labels(event.kind, event.target, event.type).inc()
    if event.kind == "breached" and event.decided_at is not None:
        VERDICT_DELAY.observe(max(0.0, (event.decided_at - event.due_at).total_seconds()))
    return OutgoingRecord(event.conversation.encode(), encode(event), headers_of(event, SOURCE), cause.timestamp)
