"""Incidents and their members; what says whom people are given."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

_KEY: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _make_incidents()
    _make_incident_members()
    op.add_column("people", sa.Column("capacity", sa.Integer()))
    op.add_column("people", sa.Column("skills", _JSON, nullable=False, server_default="[]"))
    op.add_column("people", sa.Column("languages", _JSON, nullable=False, server_default="[]"))
    op.add_column("people", sa.Column("shift", _JSON))
    op.add_column("people", sa.Column("away", _JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("people") as people:
        for column in ("away", "shift", "languages", "skills", "capacity"):
            people.drop_column(column)
    op.drop_table("incident_members")
    op.drop_table("incidents")


def _make_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("spike", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("confirmed_by", sa.Text()),
        sa.Column("statement", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("stated_by", sa.Text()),
        sa.Column("approved_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("all_members", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_status_changed", "incidents", ["status", "changed_at", "id"])
    op.create_index("ix_incidents_brand_status_changed", "incidents", ["brand", "status", "changed_at", "id"])


def _make_incident_members() -> None:
    op.create_table(
        "incident_members",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("incident", _KEY, nullable=False),
        sa.Column("conversation", _KEY, nullable=False),
        sa.Column("mention", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_members"),
    )
    op.create_index("ix_incident_members_incident", "incident_members", ["incident", "joined_at", "conversation"])
