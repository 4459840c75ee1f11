"""Mentions without end, made of the demo's: its texts and people, each in a conversation of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from gateway.replay_file import read_replay
from schemas.codecs import encode
from schemas.ids import conversation_key, mention_id
from schemas.records import Mention

BUNDLE = Path(__file__).parent.parent / "gateway" / "bundle" / "mentions.jsonl"


def varied_mentions(run: str) -> Iterator[Mention]:
    """Mentions of the bundle, again and again, their conversations and ids named after `run` and a number."""
    originals = [record for record in read_replay(BUNDLE) if isinstance(record, Mention)]
    for number in count():
        original = originals[number % len(originals)]
        post = f"{run}-{number}"
        changes = {"id": mention_id(original.brand, original.channel, post), "thread": post, "post": post}
        yield original.model_copy(update=changes)


def posted_now(mention: Mention, now: float) -> Mention:
    """The mention as if just posted and received. `now` is in seconds since 1970."""
    at = datetime.fromtimestamp(now, UTC)
    return mention.model_copy(update={"posted_at": at, "received_at": at})


def keyed(mention: Mention) -> tuple[bytes, bytes]:
    """Key and value on the log."""
    return conversation_key(mention.brand, mention.channel, mention.thread).encode(), encode(mention)
