"""What callers may send to the gateway: strict forms, from which the records are made."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from schemas.ids import mention_id, public_reply_id
from schemas.record_fields import PlainName, without_nul
from schemas.records import MAX_TEXT_CHARACTERS, Instant, Mention, PublicReply

MAX_POSTS: Final = 500
"""Most posts in one request."""
MAX_URL_CHARACTERS: Final = 2048
MAX_FOLLOWERS: Final = 10**12

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _time_text(value: Any) -> Any:
    # A bare number would be taken for seconds or milliseconds, by its size.
    if not isinstance(value, str) or not _TIME.match(value):
        raise ValueError("is no time; write it like 2024-05-01T12:00:00Z")
    return value


PlainText = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS), AfterValidator(without_nul)]
Link = Annotated[str, Field(max_length=MAX_URL_CHARACTERS, pattern=r"^https?://\S+$")]
PostedAt = Annotated[Instant, BeforeValidator(_time_text)]


class _PostForm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    brand: Annotated[PlainName, Field(description="The brand, as the policy names it.")]
    channel: Annotated[PlainName, Field(description="Where it was posted, such as `x` or `reddit`.")]
    thread: Annotated[PlainName, Field(description="The channel's id of the thread.")]
    post: Annotated[PlainName, Field(description="The channel's id of this post; sent twice, it is the same post.")]
    author: PlainName
    text: PlainText
    url: Link | None = None
    posted_at: Annotated[
        PostedAt, Field(description="When it was posted, with its offset. Later than now counts as now.")
    ]


class MentionForm(_PostForm):
    """A post by someone outside that names the brand."""

    author_followers: Annotated[int, Field(strict=True, ge=0, le=MAX_FOLLOWERS)] | None = None
    author_verified: Annotated[bool, Field(strict=True)] = False

    def record(self, received_at: datetime) -> Mention:
        identity = mention_id(self.brand, self.channel, self.post)
        return Mention(id=identity, received_at=received_at, **self.model_dump())


class ReplyForm(_PostForm):
    """A post by the brand itself, written elsewhere."""

    automatic: Annotated[
        bool, Field(strict=True, description="Posted by a program and approved by nobody: no answer to a customer.")
    ] = False

    def record(self, received_at: datetime) -> PublicReply:
        identity = public_reply_id(self.brand, self.channel, self.post)
        return PublicReply(id=identity, received_at=received_at, **self.model_dump())


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, list) else "one"


_Many = Field(max_length=MAX_POSTS)
MentionForms = Annotated[
    Annotated[MentionForm, Tag("one")] | Annotated[list[MentionForm], _Many, Tag("many")],
    Discriminator(_one_or_many),
]
ReplyForms = Annotated[
    Annotated[ReplyForm, Tag("one")] | Annotated[list[ReplyForm], _Many, Tag("many")],
    Discriminator(_one_or_many),
]
