"""What the API sends to the desk, and the list of what presses most over all queues."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

_KEY: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PRESSING: Final = "ix_conversations_status_priority"


def upgrade() -> None:
    op.create_table(
        "sent_commands",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sent_commands"),
    )
    op.create_index(_PRESSING, "conversations", ["status", "priority", "due_at", "conversation"])


def downgrade() -> None:
    op.drop_index(_PRESSING, "conversations")
    op.drop_table("sent_commands")
