"""Records of the log to rows of the read model, each kind by itself.

Nothing is read here: what a row needs of other rows is found in the database, by `console/derive_columns.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from console.desk_rows import (
    put_conversation_changed,
    put_desk_answer,
    put_escalation_changed,
    put_person,
    put_reply_to_publish,
)
from console.incident_rows import put_incident_changed
from console.post_rows import put_classified, put_dead_letter, put_mention, put_public_reply, put_routed
from console.row_changes import Changes
from console.timer_rows import put_sla_event
from console.trail_rows import Place
from schemas.codecs import KINDS, UndecodableRecord, decode, start_of
from schemas.desk_events import ConversationChanged, DeskAnswer, EscalationChanged, ReplyToPublish
from schemas.desk_records import Person
from schemas.incident_records import IncidentChanged
from schemas.records import (
    AnyRecord,
    ClassifiedMention,
    DeadLetter,
    Mention,
    PublicReply,
    RoutedMention,
    SlaEvent,
)
from streams.record_batches import ReceivedRecord
from streams.topics import (
    DEAD_LETTERS,
    DESK_EVENTS,
    DESK_INBOX,
    INCIDENTS,
    MENTIONS_CLASSIFIED,
    MENTIONS_RAW,
    MENTIONS_ROUTED,
    SLA_EVENTS,
)

READ: Final[Mapping[str, tuple[type[AnyRecord], ...]]] = {
    MENTIONS_RAW.name: (Mention, PublicReply),
    MENTIONS_CLASSIFIED.name: (ClassifiedMention, PublicReply),
    MENTIONS_ROUTED.name: (RoutedMention,),
    SLA_EVENTS.name: (SlaEvent,),
    DESK_EVENTS.name: (DeskAnswer, ConversationChanged, EscalationChanged, ReplyToPublish),
    DESK_INBOX.name: (Person,),
    INCIDENTS.name: (IncidentChanged,),
    DEAD_LETTERS.name: (DeadLetter,),
}
"""The topics that are read, and what of them. Replies are read twice: one topic is kept longer."""
_PASSED_OVER: Final = {
    topic: tuple(start_of(kind) for kind in KINDS.values() if kind not in kinds) for topic, kinds in READ.items()
}
_PROJECTIONS: Final[Mapping[type, Callable[[Changes, Any, Place], None]]] = {
    Mention: put_mention,
    PublicReply: put_public_reply,
    ClassifiedMention: put_classified,
    RoutedMention: put_routed,
    SlaEvent: put_sla_event,
    ConversationChanged: put_conversation_changed,
    DeskAnswer: put_desk_answer,
    EscalationChanged: put_escalation_changed,
    ReplyToPublish: put_reply_to_publish,
    IncidentChanged: put_incident_changed,
    Person: put_person,
    DeadLetter: put_dead_letter,
}


def project(records: Iterable[ReceivedRecord]) -> Changes:
    """What the records change. Those of a partition are in order; others come in any order, and may come twice.

    What can't be read is passed over: it is a dead letter of the stage that reads it.
    """
    changes = Changes()
    for record in records:
        value = record.value
        if value is None or value.startswith(_PASSED_OVER[record.topic]):
            continue
        try:
            found = decode(value)
        except UndecodableRecord:
            continue
        if type(found) in READ[record.topic]:
            _PROJECTIONS[type(found)](changes, found, Place(record.partition, record.offset))
    return changes
