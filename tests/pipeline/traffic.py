"""Made-up traffic whose right outcome is known beforehand, by arithmetic of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.ids import conversation_key, mention_id, public_reply_id
from schemas.records import Mention, PublicReply

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BRAND = "AdobeCare"
COMPLAINT = "This is terrible, the app keeps crashing and I lost all my work. Worst update ever."
COMPLAINT_MINUTES = 120


@dataclass(frozen=True)
class Conversation:
    """One complaint, and how long the brand took to answer: None for never."""

    thread: str
    posted_at: datetime
    answered_after: timedelta | None

    @property
    def key(self) -> str:
        return conversation_key(BRAND, "twitter", self.thread)

    @property
    def verdict(self) -> str:
        in_time = self.answered_after is not None and self.answered_after <= timedelta(minutes=COMPLAINT_MINUTES)
        return "met" if in_time else "breached"


def conversations(count: int, seed: int) -> list[Conversation]:
    """`count` complaints spread over a day; most are answered in time, some late, some never."""
    chance = random.Random(seed)
    return [
        Conversation(
            thread=f"s{seed}-{number}",
            posted_at=EPOCH + timedelta(seconds=chance.randrange(86_400), milliseconds=number % 1000),
            answered_after=chance.choice([None, timedelta(minutes=chance.randrange(1, 240), milliseconds=7)]),
        )
        for number in range(count)
    ]


def records(traffic: list[Conversation]) -> list[Mention | PublicReply]:
    """What the channel would send, in no particular order."""
    made: list[Mention | PublicReply] = []
    for conversation in traffic:
        made.append(complaint(conversation.thread, conversation.posted_at))
        if conversation.answered_after is not None:
            made.append(reply(conversation.thread, conversation.posted_at + conversation.answered_after))
    return made


def complaint(thread: str, posted_at: datetime, text: str = COMPLAINT, brand: str = BRAND) -> Mention:
    post = f"{thread}-1"
    return Mention(
        id=mention_id(brand, "twitter", post),
        brand=brand,
        channel="twitter",
        thread=thread,
        post=post,
        author="@user",
        text=text,
        posted_at=posted_at,
        received_at=posted_at,
    )


def reply(thread: str, posted_at: datetime) -> PublicReply:
    post = f"{thread}-2"
    return PublicReply(
        id=public_reply_id(BRAND, "twitter", post),
        brand=BRAND,
        channel="twitter",
        thread=thread,
        post=post,
        author=f"@{BRAND}",
        text="Sorry to hear that. Please send us your case number.",
        posted_at=posted_at,
        received_at=posted_at,
    )
