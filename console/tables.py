"""The read model's tables: what the log says, in rows. Nothing here is decided; all of it can be folded again from the
log.

Every instant is in milliseconds since 1970, UTC, so that SQLite and PostgreSQL sort, compare and page by it alike. Ids
are those of the records. Only `api_tokens` and `sent_commands` are not from the log.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_JSON: Final = JSON().with_variant(postgresql.JSONB(), "postgresql")
_KEY: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared by bytes, so that a page's cursor means the same in both databases."""


def _id(name: str = "id") -> Column[str]:
    return Column(name, _KEY, primary_key=True)


def _conversation() -> Column[str]:
    return Column("conversation", _KEY, nullable=False)


CONVERSATIONS: Final = Table(
    "conversations",
    METADATA,
    Column("conversation", _KEY, primary_key=True),
    Column("brand", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("type", String(32), nullable=False),
    Column("team", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("owner", Text),
    Column("holder", Text),
    Column("priority", SmallInteger, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("in_review", Integer, nullable=False),
    Column("snoozed_until", BigInteger),
    Column("last_inbound", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),  # the earliest of its timers that run; None where none does
    Column("breaches", Integer, nullable=False, server_default="0"),
    # The lists that people page through, most pressing or newest first.
    Index("ix_conversations_status_changed", "status", "changed_at", "conversation"),
    # Of one team, queue, person or brand the newest are few to sort, or many and soon found among all.
    Index("ix_conversations_status_priority", "status", "priority", "due_at", "conversation"),
    Index("ix_conversations_team_status_priority", "team", "status", "priority", "due_at", "conversation"),
    Index("ix_conversations_queue_status_priority", "queue", "status", "priority", "due_at", "conversation"),
    Index("ix_conversations_owner_status_priority", "owner", "status", "priority", "due_at", "conversation"),
    Index("ix_conversations_brand_status_priority", "brand", "status", "priority", "due_at", "conversation"),
)
"""One row a conversation, as it stands. `status`: open, resolved, spam."""
_PRESSING: Final = (
    CONVERSATIONS.c.status,
    CONVERSATIONS.c.priority,
    CONVERSATIONS.c.due_at,
    CONVERSATIONS.c.conversation,
)
_HELD: Final = CONVERSATIONS.c.holder.is_not(None)
Index("ix_conversations_held", CONVERSATIONS.c.holder, *_PRESSING, sqlite_where=_HELD, postgresql_where=_HELD)
_DOUBTFUL: Final = CONVERSATIONS.c.in_review > 0
Index("ix_conversations_in_review", *_PRESSING, sqlite_where=_DOUBTFUL, postgresql_where=_DOUBTFUL)

POSTS: Final = Table(
    "posts",
    METADATA,
    _id(),
    _conversation(),
    Column("direction", String(3), nullable=False),  # in: a mention; out: a public reply
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("url", Text),
    Column("automatic", Boolean, nullable=False, server_default="0"),
    Column("posted_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("type", String(32)),
    Column("sentiment", String(16)),
    Column("confidence", Float),
    Column("needs_review", Boolean),
    Column("risk_flags", _JSON),
    Column("language", String(3)),
    Column("state", String(16), nullable=False),
    Column("settled", Boolean, nullable=False),  # a mention has an owner or an end; a reply is so from the start
    Index("ix_posts_conversation", "conversation", "posted_at", "id"),
    Index("ix_posts_state_received", "state", "received_at", "id"),
)
"""What customers and the brand said in public. `state` of a mention: taken_in, classified, routed, spam, dead_letter;
of a reply: public. Type and flags are those of the classifier until a person gives a label."""
Index(
    "ix_posts_unsettled",
    POSTS.c.received_at,
    POSTS.c.id,
    sqlite_where=~POSTS.c.settled,
    postgresql_where=~POSTS.c.settled,
)

LABELS: Final = Table(
    "labels",
    METADATA,
    Column("mention", _KEY, primary_key=True),
    _conversation(),
    Column("type", String(32), nullable=False),
    Column("risk_flags", _JSON),
    Column("by", Text),
    Column("at", BigInteger, nullable=False),
)
"""What a person says that a mention is, the last word of each. `risk_flags`: None leaves them as they are."""

TIMERS: Final = Table(
    "timers",
    METADATA,
    _conversation(),
    Column("target", String(16), nullable=False),
    Column("cycle", Text, nullable=False),
    _id(),
    Column("mention", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("type", String(32), nullable=False),
    Column("team", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at_risk_levels", Integer, nullable=False, server_default="0"),
    Column("corrected", Boolean, nullable=False, server_default="0"),
    Column("started_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("cause", String(32)),
    Index("ix_timers_conversation", "conversation", "state", "due_at"),
    Index("ix_timers_state_due", "state", "due_at", "id"),
)
"""One row a cycle of a target. `id` is `conversation|target|cycle`; `state`: running, met, breached, cancelled,
superseded."""

REPLIES: Final = Table(
    "replies",
    METADATA,
    _id(),
    _conversation(),
    Column("mention", Text),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("promises", _JSON),
    Column("state", String(16), nullable=False),
    Column("approved_by", Text),
    Column("reason", Text),
    Column("written_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_replies_conversation", "conversation", "written_at", "id"),
    Index("ix_replies_state", "state", "changed_at", "id"),
)
"""Replies that people wrote at the desk. `state`: pending, held, approved, rejected, undone, withdrawn, handed_on,
published, failed, uncertain."""

ESCALATIONS: Final = Table(
    "escalations",
    METADATA,
    _id(),
    _conversation(),
    Column("trigger", String(32), nullable=False),
    Column("mention", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("steps", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("until", BigInteger),
    Column("holding_reply", Text),
    Column("by", Text),
    Column("started_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_escalations_conversation", "conversation", "started_at", "id"),
    Index("ix_escalations_state_changed", "state", "changed_at", "id"),
)
"""As they stand. `state` is the kind of the last step."""

INCIDENTS: Final = Table(
    "incidents",
    METADATA,
    _id(),
    Column("brand", Text, nullable=False),
    Column("type", String(32), nullable=False),
    Column("spike", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("confirmed_by", Text),
    Column("statement", Text),
    Column("text", Text),
    Column("stated_by", Text),
    Column("approved_by", Text),
    Column("reason", Text),
    Column("all_members", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_incidents_status_changed", "status", "changed_at", "id"),
    Index("ix_incidents_brand_status_changed", "brand", "status", "changed_at", "id"),
)
"""One row an incident, as it stands. `status`: proposed, confirmed, dismissed, closed; `statement` is the id of the
last draft, `text` and `stated_by` are its own; `reason`: why it was dismissed."""

INCIDENT_MEMBERS: Final = Table(
    "incident_members",
    METADATA,
    _id(),
    Column("incident", _KEY, nullable=False),
    _conversation(),
    Column("mention", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("joined_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_incident_members_incident", "incident", "joined_at", "conversation"),
)
"""The conversations of an incident. `id` is `incident|conversation`; `state`: joined, accepted, answered, skipped."""

TRAIL: Final = Table(
    "trail",
    METADATA,
    _id(),
    _conversation(),
    Column("at", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # the record's offset: the order of what happened at once
    Column("about", String(16), nullable=False),  # conversation, escalation, timer, incident
    Column("kind", String(32), nullable=False),
    Column("by", Text),
    Column("reason", Text),
    Column("detail", _JSON, nullable=False),
    Index("ix_trail_conversation", "conversation", "at", "sequence", "id"),
)
"""What happened to a conversation, or to an incident under its key, a row an event; `detail` is the event."""

COMMANDS: Final = Table(
    "commands",
    METADATA,
    _id(),
    _conversation(),
    Column("action", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("code", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("answer", _JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_commands_at", "at", "id"),
    Index("ix_commands_by_at", "by", "at", "id"),
    Index("ix_commands_conversation", "conversation", "at", "id"),
)
"""The audit log: every command that was answered, with who, when, and what came of it. One of an incident has the
incident's key as its conversation."""

PEOPLE: Final = Table(
    "people",
    METADATA,
    _id(),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("teams", _JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("capacity", Integer),
    Column("skills", _JSON, nullable=False, server_default="[]"),
    Column("languages", _JSON, nullable=False, server_default="[]"),
    Column("shift", _JSON),
    Column("away", _JSON, nullable=False, server_default="[]"),
)
"""Who may say something to the desk, as the log has it."""

DEAD_LETTERS: Final = Table(
    "dead_letters",
    METADATA,
    _id(),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("mention", _KEY),  # whose way ended here, where that can be told
    Column("at", BigInteger, nullable=False),
    Index("ix_dead_letters_at", "at", "id"),
    Index("ix_dead_letters_mention", "mention"),
)
"""Where they come from and why, without their bytes."""

READ_TO: Final = Table(
    "read_to",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)
"""How far the log is in the rows: written in the same transaction as they are."""

API_TOKENS: Final = Table(
    "api_tokens",
    METADATA,
    _id(),
    Column("person", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the token, in hex
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
"""Who may call the API. The token itself is shown once and stored nowhere."""

SENT_COMMANDS: Final = Table(
    "sent_commands",
    METADATA,
    _id(),
    _conversation(),
    Column("by", Text, nullable=False),
    Column("action", String(32), nullable=False),  # digest of what is asked for
    Column("sent_at", BigInteger, nullable=False),
)
"""What the API sent to the desk: a repeat goes with the time that it had before, and is known from another command."""
