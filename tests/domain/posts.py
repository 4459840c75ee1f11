"""Posts and the policy, for the tests of the rules."""

from datetime import UTC, datetime
from pathlib import Path

from domain.policy import Policy, parse_policy
from domain.typing_rules import classified_mention
from schemas.records import Classification, ClassifiedMention, Mention, MentionType, PublicReply

NOON = datetime(2020, 4, 1, 12, tzinfo=UTC)
POLICY_FILE = Path(__file__).parents[2] / "policy.yaml"
POLICY_TEXT = POLICY_FILE.read_text(encoding="utf-8")


def policy() -> Policy:
    """The one that is shipped."""
    return parse_policy(POLICY_TEXT, "policy.yaml")


def mention(
    brand: str = "Delta", posted_at: datetime = NOON, received_at: datetime = NOON, text: str = "Hello"
) -> Mention:
    return Mention(
        id="mention-1",
        brand=brand,
        channel="x",
        thread="thread 1",
        post="7",
        author="ann",
        text=text,
        posted_at=posted_at,
        received_at=received_at,
    )


def public_reply(posted_at: datetime = NOON, received_at: datetime = NOON) -> PublicReply:
    return PublicReply(
        id="reply-1",
        brand="Delta",
        channel="x",
        thread="thread 1",
        post="8",
        author="Delta",
        text="We are on it.",
        posted_at=posted_at,
        received_at=received_at,
    )


def classified(of: Mention, type_: MentionType = "customer_complaint") -> ClassifiedMention:
    classification = Classification(
        type=type_,
        sentiment="negative",
        urgency="urgent",
        confidence=0.9,
        needs_review=False,
        reason="negative sentiment",
        model="test",
    )
    return classified_mention(of, classification)
