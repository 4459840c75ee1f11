"""`desk-events` and `people` -> `desk-inbox`: asks people to take what is nobody's.

What it knows it reads anew when it begins to lead: `desk-state` has how every conversation stands, and `desk-events`
goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from agents.keep_people import PEOPLE_RECORDS
from domain.assigning import Adviser, standing_after, standing_of
from domain.desk_state import VERSION, Kind, decode_conversation
from domain.instants import from_ms
from domain.partition_states import TICK_KEY
from domain.policy import Policy
from domain.state_head import check, kind_of, moment_of
from schemas.cloudevents import headers_of
from schemas.codecs import UndecodableRecord, decode, encode, start_of
from schemas.desk_events import ConversationChanged, DeskAnswer
from schemas.desk_records import DeskCommand
from streams.leading import leading_stage, leads
from streams.metrics import ASSIGN_ANSWERS, UNASSIGNED
from streams.reading import POLL_MS, POLL_RECORDS, read_to_end, reader
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.stages import RunningStage, Stage
from streams.topics import DESK_EVENTS, DESK_INBOX, DESK_STATE, PEOPLE
from streams.writing import write_outbox

STAGE: Final = "assign"
SOURCE: Final = f"/tenfour/{STAGE}"
LOOK_EVERY_S: Final = 1.0
"""How soon the beginning of a shift is seen."""
_TOLD: Final = (start_of(ConversationChanged), start_of(DeskAnswer))


def assign_stage(policy: Policy) -> Stage:
    """One process advises: how much somebody has to do is a matter of all partitions."""

    async def lead(running: RunningStage) -> None:
        await _lead(running, policy)

    return leading_stage(STAGE, PEOPLE, lead)


async def _lead(running: RunningStage, policy: Policy) -> None:
    """Advises until another process has the partition."""
    settings = running.settings
    desk = KnownDesk(policy)
    async with reader(settings.bootstrap, [DESK_EVENTS.name, PEOPLE.name], from_start=False, gathered=True) as consumer:
        await _begin(consumer, desk, settings)
        looked = 0.0
        while leads(running):
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            for records in fetched.values():
                desk.learn(records)
            now = running.clock()
            if fetched or now >= looked + LOOK_EVERY_S:
                looked = now
                await _ask(running, desk, now)
    UNASSIGNED.set(0)


async def _ask(running: RunningStage, desk: KnownDesk, now: float) -> None:
    live = running.settings.ticks == "live"
    commands = desk.adviser.commands(datetime.fromtimestamp(now, UTC) if live else desk.log_time)
    UNASSIGNED.set(desk.adviser.unassigned)
    if commands and running.producer is not None:
        outbox = commands_outbox(commands, running.settings.partitions, int(now * 1000))
        await write_outbox(running.producer, outbox)


async def _begin(consumer: AIOKafkaConsumer, desk: KnownDesk, settings: Settings) -> None:
    """Reads how the desk stands, after it has noted where the events end: what is told twice is told in order."""
    for tp in consumer.assignment():
        await consumer.position(tp)
    async for record in read_to_end(settings.bootstrap, [PEOPLE.name]):
        desk.learn([record])
    async for record in read_to_end(settings.bootstrap, [DESK_STATE.name]):
        desk.restore(record.key, record.value)


class KnownDesk:
    """What the adviser has been told, decoded; and the time of the log, the latest that anything says."""

    def __init__(self, policy: Policy) -> None:
        self.adviser = Adviser(policy)
        self.log_time = from_ms(0)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """One record of the desk's state. Raises StateError for one of another version."""
        if value is None:
            self.adviser.see(key.decode(), None)
            return
        check(key, value, VERSION)
        if key == TICK_KEY:
            self.log_time = max(self.log_time, from_ms(moment_of(value)))
        elif kind_of(value) == Kind.CONVERSATION:
            self.adviser.see(key.decode(), standing_of(key.decode(), decode_conversation(value)))

    def learn(self, records: Sequence[ConsumerRecord]) -> None:
        """Records of `people` and of `desk-events`, in the order of their partition."""
        for record in records:
            if record.value is None:
                continue
            if record.topic == PEOPLE.name:
                self.adviser.know(PEOPLE_RECORDS.decode(record.value))
            elif record.value.startswith(_TOLD):
                self._hear(record.value)

    def _hear(self, value: bytes) -> None:
        try:
            told = decode(value)
        except UndecodableRecord:
            return  # of a newer release
        if isinstance(told, ConversationChanged):
            self.log_time = max(self.log_time, told.at)
            self.adviser.see(told.conversation, standing_after(told))
        elif isinstance(told, DeskAnswer):
            self.log_time = max(self.log_time, told.at)
            if self.adviser.hear(told):
                ASSIGN_ANSWERS.labels(told.code).inc()


def commands_outbox(commands: Sequence[DeskCommand], partitions: int, now_ms: int) -> Outbox:
    """Each to the partition of its conversation."""
    outbox = Outbox()
    for command in commands:
        key = command.conversation.encode()
        record = OutgoingRecord(key, encode(command), headers_of(command, SOURCE), now_ms)
        outbox.to_key(DESK_INBOX.name, key, partitions).append(record)
    return outbox
