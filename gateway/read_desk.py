"""One partition of what the desk tells, for those who act on it outside."""

from __future__ import annotations

from functools import partial
from typing import Final

from schemas.codecs import Codec
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold, EscalationChanged, ReplyToPublish
from streams.dead_letters import MisplacedRecord, add_dead_letter
from streams.deliveries import Job, Ownership
from streams.fenced_log import FencedLog
from streams.record_batches import Outbox, ReceivedRecord
from streams.settings import Settings

_CODEC: Final = Codec[DeskTold](DeskAnswer, ConversationChanged, EscalationChanged, ReplyToPublish)


class DeskDelivery:
    """What publishing and notifying have in common: the log that one worker at a time writes, and dead letters."""

    def __init__(self, stage: str, number: int, ownership: Ownership, settings: Settings) -> None:
        self._stage, self._number, self._ownership = stage, number, ownership
        self._log = FencedLog.of_partition(stage, number, settings)

    def job_of(self, event: DeskTold, told_at: float) -> Job | None:
        """What an event asks for, if it asks for anything. `told_at`: when the desk said so, in seconds since 1970."""
        raise NotImplementedError

    def job_in(self, record: ReceivedRecord) -> Job | None:
        try:
            event = _event_in(record)
        except ValueError as error:
            return Job(f"dead letter {record.offset}", partial(self._bury, record, error))
        return self.job_of(event, record.timestamp / 1000)

    async def give_up(self) -> None:
        await self._log.stop()

    async def _bury(self, record: ReceivedRecord, error: ValueError) -> None:
        outbox = Outbox()
        add_dead_letter(outbox, self._stage, record, error)
        await self._log.write(outbox)


def _event_in(record: ReceivedRecord) -> DeskTold:
    """Raises UndecodableRecord or MisplacedRecord, which are ValueErrors."""
    found = _CODEC.decode(record.value)
    if record.key != found.conversation.encode():
        raise MisplacedRecord(f"{found.record} {found.id}: its key is not its conversation; mend the sender")
    return found
