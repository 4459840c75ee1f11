"""What publishing writes: intents and outcomes, the public reply or else word to the desk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from domain.publishing import Course, Post, Published, Refused, Uncertain
from schemas.cloudevents import headers_of
from schemas.codecs import encode
from schemas.desk_events import ReplyToPublish
from schemas.ids import conversation_parts, derive_id, public_reply_id
from schemas.outcomes import PublishIntent, PublishOutcome, ReplyOutcome
from schemas.records import PublicReply
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import DESK_INBOX, MENTIONS_RAW, PUBLISH_LOG

SOURCE: Final = "/tenfour/publish"
Ending = Published | Refused | Uncertain


def intent_to_post(reply: ReplyToPublish, attempt: int, partition: int, now: float) -> Outbox:
    """`now`, here and below: seconds since 1970."""
    intent = PublishIntent(
        id=derive_id("publish_intent", reply.id, str(attempt)),
        conversation=reply.conversation,
        reply=reply,
        attempt=attempt,
        at=_instant(now),
    )
    outbox = Outbox()
    outbox.to(PUBLISH_LOG.name, partition).append(_outgoing(intent, reply, now))
    return outbox


def outcome_of(reply: ReplyToPublish, course: Course, ending: Ending, partition: int, now: float) -> Outbox:
    """The outcome, and with it the public reply that stops the clock, or word to the desk that there is none."""
    outbox = Outbox()
    if isinstance(ending, Published):
        public = _public_reply(reply, ending.post, now)
        outcome = _published(reply, course, public, now)
        outbox.to(MENTIONS_RAW.name, partition).append(_outgoing(public, reply, now))
    else:
        outcome = _failed(reply, course, ending, now)
        word = _word_to_the_desk(reply, ending, now)
        outbox.to(DESK_INBOX.name, partition).append(_outgoing(word, reply, now))
    outbox.to(PUBLISH_LOG.name, partition).append(_outgoing(outcome, reply, now))
    return outbox


def _published(reply: ReplyToPublish, course: Course, public: PublicReply, now: float) -> PublishOutcome:
    return PublishOutcome(
        id=derive_id("publish_outcome", reply.id),
        conversation=reply.conversation,
        reply=reply.id,
        result="published",
        post=public.post,
        url=public.url,
        posted_at=public.posted_at,
        attempts=course.posts,
        at=_instant(now),
    )


def _failed(reply: ReplyToPublish, course: Course, ending: Refused | Uncertain, now: float) -> PublishOutcome:
    return PublishOutcome(
        id=derive_id("publish_outcome", reply.id),
        conversation=reply.conversation,
        reply=reply.id,
        result="refused" if isinstance(ending, Refused) else "uncertain",
        reason=ending.reason,
        attempts=course.posts,
        at=_instant(now),
    )


def _word_to_the_desk(reply: ReplyToPublish, ending: Refused | Uncertain, now: float) -> ReplyOutcome:
    return ReplyOutcome(
        id=derive_id("reply_outcome", reply.id),
        conversation=reply.conversation,
        reply=reply.id,
        result="refused" if isinstance(ending, Refused) else "uncertain",
        reason=ending.reason,
        at=_instant(now),
    )


def _public_reply(reply: ReplyToPublish, post: Post, now: float) -> PublicReply:
    """With the id that the gateway would give the same post, should it see it too. The channel's time is the post's;
    where it says none, it is now."""
    brand, channel, thread = conversation_parts(reply.conversation)
    posted = post.id or reply.id
    return PublicReply(
        id=public_reply_id(brand, channel, posted),
        brand=brand,
        channel=channel,
        thread=thread,
        post=posted,
        author=brand,
        text=reply.text,
        url=post.url,
        posted_at=post.posted_at or _instant(now),
        received_at=_instant(now),
        reply=reply.id,
    )


def _outgoing(
    record: PublishIntent | PublishOutcome | PublicReply | ReplyOutcome, reply: ReplyToPublish, now: float
) -> OutgoingRecord:
    return OutgoingRecord(reply.conversation.encode(), encode(record), headers_of(record, SOURCE), int(now * 1000))


def _instant(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
