"""What the fields of records may hold: instants, names, types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

MAX_TEXT_CHARACTERS: Final = 100_000
"""Longest text of a mention that is taken in; no channel allows more."""


FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
"""Of an instant: a target can be added to any, and no sum overflows."""


def _in_utc(instant: datetime) -> datetime:
    try:
        in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError:  # in the years 1 and 9999; pydantic would let it through, to end the process
        in_utc = instant
    if not FIRST_YEAR <= in_utc.year <= LAST_YEAR:
        raise ValueError(f"lies outside the years {FIRST_YEAR} to {LAST_YEAR} in UTC")
    return in_utc


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC, in the years 1900 to 2199. A time without offset is refused."""

MAX_NAME_CHARACTERS: Final = 256
MAX_KEY_CHARACTERS: Final = 3 * 12 * MAX_NAME_CHARACTERS + 2
"""Three names and two colons, each character at worst four bytes of UTF-8, written `%XX`."""


def without_nul(text: str) -> str:
    """The text. Raises ValueError if it holds a NUL."""
    if "\0" in text:
        raise ValueError("contains a NUL character, which databases can't hold; remove it")
    return text


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
PlainName = Annotated[Name, AfterValidator(without_nul)]
"""As callers may give it."""
ConversationKey = Annotated[str, Field(min_length=1, max_length=MAX_KEY_CHARACTERS)]
"""What `schemas.ids.conversation_key` returns."""
MentionType = Literal[
    "customer_complaint",
    "product_question",
    "sales_inquiry",
    "positive_feedback",
    "general_conversation",
    "spam",
]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
"""ISO 639."""
Sentiment = Literal["negative", "neutral", "positive"]
Urgency = Literal["urgent", "high", "medium", "low", "none"]
ClassifierMode = Literal["one_stage", "two_stage", "second_skipped"]
"""Whether a second model reads doubtful texts again: there is none, it does, or it had to leave them for the load."""
SlaTarget = Literal["first_response", "next_response", "resolution", "review", "approval", "escalation_ack"]
"""What is promised: the first public answer, each later one, the end of the case; and within the desk, a person's look
at a doubtful mention, the approval of a draft, the acceptance of an escalation."""
DeskTarget = Literal["review", "approval", "escalation_ack"]
MissCause = Literal[
    "late_ingest",
    "waiting_for_review",
    "waiting_for_approval",
    "out_of_capacity",
    "unassigned",
    "owner_silent",
]
"""Why a target is at risk or missed: received past its due time; not yet looked at, or its draft not yet approved;
nobody on shift; nobody's; somebody's, who did not answer."""
RiskFlag = Literal[
    "churn_threat",
    "legal_threat",
    "press_or_influencer",
    "refund_request",
    "safety",
    "security_or_fraud",
    "self_harm_or_violence",
]


class Record(BaseModel):
    """Frozen; unknown fields are ignored on reading."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_bytes="base64", val_json_bytes="base64")
