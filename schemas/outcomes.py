"""What became of what the desk asks of the world outside: replies posted on channels, people told of escalations.

Each of these records is written before or after the deed, never instead of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.desk_events import ReplyToPublish, Trigger
from schemas.record_fields import ConversationKey, Instant, Name, Record


class PublishIntent(Record):
    """A request to the channel follows, at once or never: written, and acknowledged, before each attempt to post.

    An intent without an outcome may stand for a post that the channel has.
    """

    record: Literal["publish_intent"] = "publish_intent"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    reply: ReplyToPublish
    """All that it takes to go on with it."""
    attempt: Annotated[int, Field(ge=1)]
    at: Instant
    """By the clock of the worker, as of all outcomes."""


class PublishOutcome(Record):
    """How the publishing of a reply ended. Its id derives from the reply's: there is one.

    `published`: the channel has it. `refused`: it is not on the channel. `uncertain`: nobody knows.
    """

    record: Literal["publish_outcome"] = "publish_outcome"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    reply: Name
    result: Literal["published", "refused", "uncertain"]
    post: Name | None = None
    """Of `published`: the channel's id of the post; the reply's own id where the channel named none."""
    url: str | None = None
    posted_at: Instant | None = None
    reason: Name | None = None
    """Of the others, in a sentence."""
    attempts: Annotated[int, Field(ge=0)]
    """Requests to post that may have reached the channel, or were tried."""
    at: Instant


class ReplyOutcome(Record):
    """What the desk is told of a reply that it handed on and that is not public, as far as anybody knows."""

    record: Literal["reply_outcome"] = "reply_outcome"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    reply: Name
    result: Literal["refused", "uncertain"]
    reason: Name
    at: Instant


class NotificationSent(Record):
    """People have been told of a step of an escalation. Its id derives from that step."""

    record: Literal["notification_sent"] = "notification_sent"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    escalation: Name
    step: Name
    """Id of the `escalation_changed`."""
    trigger: Trigger
    channel: Name
    team: Name
    role: Name
    addresses: Annotated[int, Field(ge=1)]
    """How many it was sent to."""
    attempts: Annotated[int, Field(ge=1)]
    at: Instant


class NotificationFailed(Record):
    """Somebody who should know of a step of an escalation has not been told: a person has to see to it."""

    record: Literal["notification_failed"] = "notification_failed"
    version: Literal[1] = 1
    id: Name
    conversation: ConversationKey
    escalation: Name
    step: Name
    trigger: Trigger
    channel: Name
    team: Name
    role: Name
    addresses: Annotated[int, Field(ge=0)]
    """How many should have been told."""
    reached: Annotated[int, Field(ge=0)]
    """How many of them were."""
    attempts: Annotated[int, Field(ge=0)]
    reason: Name
    at: Instant
