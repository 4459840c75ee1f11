"""Instants as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from pydantic import TypeAdapter, ValidationError

from schemas.record_fields import Instant

_INSTANTS: TypeAdapter[datetime] = TypeAdapter(Instant)


def parse_instant(text: str, option: str) -> datetime:
    """The moment in UTC; a date alone is its first moment in UTC. Raises typer.BadParameter naming the option."""
    try:
        found = datetime.fromisoformat(text)
        if len(text) == len("2026-12-24"):
            found = found.replace(tzinfo=UTC)
        return _INSTANTS.validate_python(found)
    except (ValueError, ValidationError):
        raise typer.BadParameter(
            f"{option} {text}: is no date, and no time with an offset such as 2026-12-24T09:00:00+01:00"
        ) from None
