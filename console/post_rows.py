"""Mentions, public replies and dead letters as rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from console.column_rules import Row
from console.row_changes import Changes, list_as_json
from console.tables import DEAD_LETTERS, POSTS
from console.trail_rows import Place
from domain.instants import to_ms
from schemas.codecs import UndecodableRecord, decode
from schemas.desk_records import DeskInbound
from schemas.ids import conversation_key
from schemas.records import (
    AnyRecord,
    Classification,
    ClassifiedMention,
    DeadLetter,
    Mention,
    PublicReply,
    RoutedMention,
)

ENDS: Final[Mapping[str, type[AnyRecord]]] = {
    "classify": Mention,
    "route": ClassifiedMention,
    "desk": DeskInbound,
}
"""By stage, the record whose dead letter is the end of a mention's way."""


def put_mention(changes: Changes, mention: Mention, place: Place) -> None:  # noqa: ARG001
    changes.put(POSTS, _post_of(mention, "taken_in", None))


def put_classified(changes: Changes, record: ClassifiedMention, place: Place) -> None:  # noqa: ARG001
    found = record.classification
    state = "spam" if found.type == "spam" and not found.needs_review else "classified"
    changes.put(POSTS, _post_of(record.mention, state, found))


def put_routed(changes: Changes, record: RoutedMention, place: Place) -> None:  # noqa: ARG001
    changes.put(POSTS, _post_of(record.mention, "routed", record.classification))


def put_public_reply(changes: Changes, reply: PublicReply, place: Place) -> None:  # noqa: ARG001
    changes.put(POSTS, _post(reply, "out", "public", None) | {"automatic": reply.automatic, "settled": True})


def put_dead_letter(changes: Changes, letter: DeadLetter, place: Place) -> None:  # noqa: ARG001
    ended = _ended_mention(letter)
    row = {
        "id": letter.id,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "stage": letter.stage,
        "error": letter.error,
        "mention": ended.mention if isinstance(ended, DeskInbound) else None if ended is None else ended.id,
        "at": to_ms(letter.failed_at),
    }
    changes.put(DEAD_LETTERS, row)
    if isinstance(ended, Mention):
        changes.put(POSTS, _post_of(ended, "taken_in", None))


def _ended_mention(letter: DeadLetter) -> Mention | DeskInbound | None:
    """What ended here, if it can be read: the letter has the original bytes."""
    try:
        found = decode(letter.value)
    except UndecodableRecord:
        return None
    if type(found) is not ENDS.get(letter.stage):
        return None
    if isinstance(found, ClassifiedMention):
        return found.mention
    return found if isinstance(found, Mention | DeskInbound) else None


def _post_of(mention: Mention, state: str, found: Classification | None) -> Row:
    return _post(mention, "in", state, found) | {"automatic": False, "settled": False}


def _post(post: Mention | PublicReply, direction: str, state: str, found: Classification | None) -> Row:
    """Without the two columns in which mentions and replies differ."""
    return {
        "id": post.id,
        "conversation": conversation_key(post.brand, post.channel, post.thread),
        "direction": direction,
        "author": post.author,
        "text": post.text,
        "url": post.url,
        "posted_at": to_ms(post.posted_at),
        "received_at": to_ms(post.received_at),
        "type": None if found is None else found.type,
        "sentiment": None if found is None else found.sentiment,
        "confidence": None if found is None else found.confidence,
        "needs_review": None if found is None else found.needs_review,
        "risk_flags": None if found is None else _flags(found.risk_flags),
        "language": None if found is None else found.language,
        "state": state,
    }


@lru_cache(maxsize=1024)
def _flags(flags: tuple[str, ...]) -> str:
    return list_as_json(flags)
