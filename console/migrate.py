"""The database's tables, brought to those of this release, step by step."""

from __future__ import annotations

from typing import Final, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from console.database import DatabaseError, reachable

SCRIPTS: Final = "console:migrations"


class Version(NamedTuple):
    """The step at which a database is, None for an empty one, and the last one of this release."""

    current: str | None
    newest: str


def version(engine: Engine) -> Version:
    """Raises DatabaseError where there is no database."""
    with reachable(engine), engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return Version(current, newest)


def upgrade(engine: Engine) -> Version:
    """Makes the tables, or alters them; nothing where they are as they should be. Raises DatabaseError."""
    _require_known(version(engine))
    config = _config()
    with reachable(engine), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return version(engine)


def require_newest(engine: Engine) -> None:
    """Raises DatabaseError unless the tables are those of this release."""
    found = version(engine)
    _require_known(found)
    if found.current != found.newest:
        state = "is empty" if found.current is None else f"is at {found.current}, this release at {found.newest}"
        raise DatabaseError(f"TENFOUR_DATABASE: the database {state}; run `tenfour database upgrade`")


def _require_known(found: Version) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found.current is not None and found.current not in known:
        raise DatabaseError(
            f"TENFOUR_DATABASE: the database is at {found.current}, which this release does not know: "
            "use the release that made it, or another database"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("path_separator", "os")
    return config
