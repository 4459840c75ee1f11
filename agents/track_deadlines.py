"""`sla-timer` -> `sla-events`, and `desk-inbox` for the desk: starts and stops clocks, and says who is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agents.keep_policies import KnownCalendars
from agents.watch_ticks import TicksSeen
from domain.clock import FACTS, Clock, Fact
from domain.desk_inbound import concerns_desk
from domain.working_time import WorkingTime
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode, start_of
from schemas.records import SlaEvent, Tick
from streams.dead_letters import add_dead_letter
from streams.logs import logger
from streams.metrics import BREACHES, LAST_TICK, OPEN_TIMERS, TIME_LEFT, VERDICT_DELAY
from streams.metrics import SLA_EVENTS as SLA_EVENTS_WRITTEN
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch, holds
from streams.stages import Stage
from streams.topics import DEADLINES_STATE, DESK_INBOX, SLA_EVENTS, SLA_TIMER

STAGE = "deadlines"
SOURCE = f"/tenfour/{STAGE}"
TOGETHER = 50
"""Records that are decoded, then folded, then encoded: a third less time than one after the other, since the code of
each step stays in the processor's cache, and so do that many records."""
POLL_RECORDS = 500
"""Most records of one poll. Of each partition three batches are read ahead; with 2,000 they held 90 MB more."""
_LOG = logger(STAGE)
TIMER_RECORDS = Codec[Fact | Tick](*FACTS, Tick)


class DeadlinesFold:
    """The clock of one partition, between the log and the log."""

    def __init__(self, partition: int, time: WorkingTime, ticks: TicksSeen) -> None:
        self._partition, self._ticks = partition, ticks
        self._clock = Clock(time)
        self._timestamp = 0

    def restore(self, key: bytes, value: bytes | None) -> None:
        self._clock.restore(key, value)

    def restored(self) -> None:
        self._clock.restored()
        self._report_open()

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        self._timestamp = batch.records[-1].timestamp
        for start in range(0, len(batch.records), TOGETHER):
            self._fold_some(batch.records[start : start + TOGETHER], outbox)
        self._add_state(outbox, self._clock.take_changes())
        self._report_open()

    def _fold_some(self, records: Sequence[ReceivedRecord], outbox: Outbox) -> None:
        decoded = [(record, self._decoded(record, outbox)) for record in records]
        folded = [(record, self._folded(fact, record, outbox)) for record, fact in decoded if fact is not None]
        _count([event for _, events in folded for event in events])
        told = [(event, _outgoing(event, record)) for record, happened in folded for event in happened]
        outbox.to(SLA_EVENTS.name, self._partition).extend([out for _, out in told])
        outbox.to(DESK_INBOX.name, self._partition).extend([out for event, out in told if concerns_desk(event)])

    def _decoded(self, record: ReceivedRecord, outbox: Outbox) -> Fact | Tick | None:
        try:
            return TIMER_RECORDS.decode(record.value)
        except ValueError as error:
            add_dead_letter(outbox, STAGE, record, error)
            return None

    def _folded(self, fact: Fact | Tick, record: ReceivedRecord, outbox: Outbox) -> list[SlaEvent]:
        try:
            return self._clock.fold(fact)
        except ValueError as error:
            add_dead_letter(outbox, STAGE, record, error)
            return []

    def given_up(self) -> None:
        self._ticks.lost(self._partition)
        OPEN_TIMERS.remove(str(self._partition))
        LAST_TICK.remove(str(self._partition))

    def checkpoint(self, outbox: Outbox) -> None:
        self._add_state(outbox, self._clock.take_changes(with_tick=True))

    def _add_state(self, outbox: Outbox, changes: list[tuple[bytes, bytes | None]]) -> None:
        state = outbox.to(DEADLINES_STATE.name, self._partition)
        state.extend([OutgoingRecord(key, value, [], self._timestamp) for key, value in changes])

    def _report_open(self) -> None:
        OPEN_TIMERS.labels(str(self._partition)).set(self._clock.open_cycles)
        self._ticks.saw(self._partition, self._clock.last_tick)
        if self._clock.last_tick is not None:
            LAST_TICK.labels(str(self._partition)).set(self._clock.last_tick.timestamp())


def deadlines_stage() -> Stage:
    calendars = KnownCalendars()
    time, ticks = WorkingTime(calendars.get), TicksSeen()
    SLA_EVENTS_WRITTEN.start_at_zero(kind=("met", "breached"))
    BREACHES.start_at_zero()
    return Stage(
        STAGE,
        SLA_TIMER,
        new_fold=lambda partition: DeadlinesFold(partition, time, ticks),
        state=DEADLINES_STATE,
        poll_records=POLL_RECORDS,
        transaction_every_s=0.25,
        hurries=holds(start_of(Tick)),  # it brings verdicts; other facts can wait for the next
        before_start=calendars.read,
        background=calendars.follow,
        problem=ticks.problem,
    )


def _count(events: Sequence[SlaEvent]) -> None:
    for labels, number in Counter([(event.kind, event.target, event.type) for event in events]).items():
        SLA_EVENTS_WRITTEN.labels(*labels).inc(number)
    for event in events:
        if event.kind == "met":
            TIME_LEFT.labels(event.target).observe(max(0.0, (event.due_at - event.at).total_seconds()))
        elif event.kind == "breached":
            _count_breach(event)


def _count_breach(event: SlaEvent) -> None:
    BREACHES.labels(event.target, event.cause or "unknown").inc()
    if event.decided_at is not None:
        VERDICT_DELAY.observe(max(0.0, (event.decided_at - event.due_at).total_seconds()))
    _LOG.info(
        "breached",
        conversation=event.conversation,
        target=event.target,
        cause=event.cause,
        due_at=event.due_at.isoformat(),
    )


def _outgoing(event: SlaEvent, cause: ReceivedRecord) -> OutgoingRecord:
    return OutgoingRecord(event.conversation.encode(), encode(event), headers_of(event, SOURCE), cause.timestamp)
