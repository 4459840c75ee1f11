"""Calendars and times as the tests of business time write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.calendars import Calendar, parse_calendar

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = {day: ["09:00-12:30", "13:30-18:00"] for day in WORKDAYS}


def calendar(zone: str = "Europe/Berlin", hours: Any = None, **holidays: Any) -> Calendar:
    return parse_calendar({"timezone": zone, "open": OFFICE if hours is None else hours, "holidays": holidays})


def at(text: str) -> datetime:
    """`2026-01-05 09:00` is UTC; an offset may follow."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else datetime.fromisoformat(f"{text}Z")


def pause(start: str, end: str) -> tuple[datetime, datetime]:
    return at(start), at(end)
