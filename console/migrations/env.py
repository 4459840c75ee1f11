"""Alembic runs this; `console/migrate.py` calls Alembic, with an open connection."""

from __future__ import annotations

from alembic import context

from console.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
