"""The tables of the read model."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

_KEY: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")
_PRESSING: Final = ("status", "priority", "due_at", "conversation")


def upgrade() -> None:
    _make_conversations()
    _make_posts()
    _make_labels()
    _make_timers()
    _make_replies()
    _make_escalations()
    _make_trail()
    _make_commands()
    _make_people()
    _make_dead_letters()
    _make_read_to()
    _make_api_tokens()


def downgrade() -> None:
    for table in (
        "api_tokens",
        "read_to",
        "dead_letters",
        "people",
        "commands",
        "trail",
        "escalations",
        "replies",
        "timers",
        "labels",
        "posts",
        "conversations",
    ):
        op.drop_table(table)


def _make_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("holder", sa.Text()),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("in_review", sa.Integer(), nullable=False),
        sa.Column("snoozed_until", sa.BigInteger()),
        sa.Column("last_inbound", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("breaches", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("conversation", name="pk_conversations"),
    )
    op.create_index("ix_conversations_status_changed", "conversations", ["status", "changed_at", "conversation"])
    for column in ("team", "queue", "owner", "brand"):
        op.create_index(f"ix_conversations_{column}_status_priority", "conversations", [column, *_PRESSING])
    for name, columns, where in (
        ("ix_conversations_held", ["holder", *_PRESSING], sa.text("holder IS NOT NULL")),
        ("ix_conversations_in_review", [*_PRESSING], sa.text("in_review > 0")),
    ):
        op.create_index(name, "conversations", columns, sqlite_where=where, postgresql_where=where)


def _make_posts() -> None:
    op.create_table(
        "posts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("automatic", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(32)),
        sa.Column("sentiment", sa.String(16)),
        sa.Column("confidence", sa.Float()),
        sa.Column("needs_review", sa.Boolean()),
        sa.Column("risk_flags", _JSON),
        sa.Column("language", sa.String(3)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
    )
    op.create_index("ix_posts_conversation", "posts", ["conversation", "posted_at", "id"])
    op.create_index("ix_posts_state_received", "posts", ["state", "received_at", "id"])
    op.create_index(
        "ix_posts_unsettled",
        "posts",
        ["received_at", "id"],
        sqlite_where=sa.text("settled = 0"),
        postgresql_where=sa.text("NOT settled"),
    )


def _make_labels() -> None:
    op.create_table(
        "labels",
        sa.Column("mention", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("risk_flags", _JSON),
        sa.Column("by", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mention", name="pk_labels"),
    )


def _make_timers() -> None:
    op.create_table(
        "timers",
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("target", sa.String(16), nullable=False),
        sa.Column("cycle", sa.Text(), nullable=False),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("mention", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at_risk_levels", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("corrected", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("cause", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_timers"),
    )
    op.create_index("ix_timers_conversation", "timers", ["conversation", "state", "due_at"])
    op.create_index("ix_timers_state_due", "timers", ["state", "due_at", "id"])


def _make_replies() -> None:
    op.create_table(
        "replies",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("mention", sa.Text()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("promises", _JSON),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("approved_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_replies"),
    )
    op.create_index("ix_replies_conversation", "replies", ["conversation", "written_at", "id"])
    op.create_index("ix_replies_state", "replies", ["state", "changed_at", "id"])


def _make_escalations() -> None:
    op.create_table(
        "escalations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("mention", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("steps", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("holding_reply", sa.Text()),
        sa.Column("by", sa.Text()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_escalations"),
    )
    op.create_index("ix_escalations_conversation", "escalations", ["conversation", "started_at", "id"])
    op.create_index("ix_escalations_state_changed", "escalations", ["state", "changed_at", "id"])


def _make_trail() -> None:
    op.create_table(
        "trail",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trail"),
    )
    op.create_index("ix_trail_conversation", "trail", ["conversation", "at", "sequence", "id"])


def _make_commands() -> None:
    op.create_table(
        "commands",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", _JSON, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    op.create_index("ix_commands_at", "commands", ["at", "id"])
    op.create_index("ix_commands_by_at", "commands", ["by", "at", "id"])
    op.create_index("ix_commands_conversation", "commands", ["conversation", "at", "id"])


def _make_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("teams", _JSON, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )


def _make_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("mention", _KEY),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
    )
    op.create_index("ix_dead_letters_at", "dead_letters", ["at", "id"])
    op.create_index("ix_dead_letters_mention", "dead_letters", ["mention"])


def _make_read_to() -> None:
    op.create_table(
        "read_to",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_read_to"),
    )


def _make_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )
