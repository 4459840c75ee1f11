"""What the desk tells, as those read it who act on it outside."""

from __future__ import annotations

from typing import Final

from schemas.codecs import Codec
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold, EscalationChanged, ReplyToPublish
from streams.dead_letters import MisplacedRecord, add_dead_letter
from streams.record_batches import Outbox, ReceivedRecord

_CODEC: Final = Codec[DeskTold](DeskAnswer, ConversationChanged, EscalationChanged, ReplyToPublish)


def desk_event_in(record: ReceivedRecord) -> DeskTold:
    """Raises UndecodableRecord or MisplacedRecord, which are ValueErrors."""
    found = _CODEC.decode(record.value)
    if record.key != found.conversation.encode():
        raise MisplacedRecord(f"{found.record} {found.id}: its key is not its conversation; mend the sender")
    return found


def dead_letter(stage: str, record: ReceivedRecord, error: ValueError) -> Outbox:
    outbox = Outbox()
    add_dead_letter(outbox, stage, record, error)
    return outbox
