"""`tenfour sla`: when is a target due, in business time? Does the log say what was told?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import typer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from domain.business_time import Step, due, steps
from domain.calendars import Calendar, CalendarError, parse_calendar
from domain.policy_source import told_refusals
from tenfour.sla_recompute import recompute
from tenfour.sla_replay import replay

app = typer.Typer(no_args_is_help=True, help="Targets: when they are due, and whether the log says what was told.")
app.command("replay")(replay)
app.command("recompute")(recompute)
STDIN: Final = Path("-")


def _time(value: object) -> datetime:
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("time", "{found} is no ISO 8601 time", {"found": f"{value!r:.60}"})


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("number", "{found} is no number", {"found": f"{value!r:.60}"})
    return value


def _object(value: object) -> object:
    if not isinstance(value, dict):
        raise PydanticCustomError("object", "should be a JSON object, not {found}", {"found": f"{value!r:.60}"})
    return value


def _pause(value: object) -> object:
    if not isinstance(value, list) or len(value) != 2:
        raise PydanticCustomError("pause", "{found} is not a start and an end", {"found": f"{value!r:.60}"})
    return value


Time = Annotated[datetime, BeforeValidator(_time), Field(description="a time such as 2026-01-05T09:00:00+01:00")]


class Question(BaseModel):
    """A line of the input; the calendar is read apart, because lines repeat it. Descriptions are hints of refusals."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    start: Time
    minutes: Annotated[Any, BeforeValidator(_number), Field(description="minutes of open time, such as 120 or 0.5")]
    calendar: Annotated[Any, BeforeValidator(_object), Field(description="an object with timezone and open")]
    pauses: Annotated[
        tuple[Annotated[tuple[Time, Time], BeforeValidator(_pause)], ...],
        BeforeValidator(lambda value: () if value is None else value),
        Field(description="a list of pauses, each a list of two times such as 2026-01-05T09:00:00+01:00"),
    ] = ()


@app.callback()
def sla() -> None:
    """Business time: when a target is due."""


@app.command("due")
def due_times(
    file: Annotated[Path, typer.Argument(help="JSON lines; - is standard input.")] = STDIN,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Under each answer, lines that begin with # show the open time on the way."),
    ] = False,
) -> None:
    """Tell when each target is due: a JSON line for a JSON line, in order.

    A line {"start": "2026-01-05T09:00:00Z", "minutes": 120, "calendar": {"timezone": "Europe/Berlin", "open": "24x7"}}
    gives {"due": "2026-01-05T11:00:00Z"}; one that has no answer gives {"error": "..."}, and the exit status is 1.
    docs/calendars.md says what a calendar may hold, and the rules.
    """
    failed = False
    with _opened(file) as lines:
        for line in filter(bytes.strip, lines):
            answer, walked = _answered(line, explain)
            failed |= "error" in answer
            # In ASCII: an error may quote what the terminal's encoding does not have.
            print(json.dumps(answer), *walked, sep="\n", flush=True)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if file == STDIN:
        yield sys.stdin.buffer
        return
    with file.open("rb") as lines:
        yield lines


def _answered(line: bytes, explain: bool) -> tuple[dict[str, str], list[str]]:
    """What the line is answered, and what explains it."""
    try:
        question = _question(line)
        calendar = _calendar(json.dumps(question.calendar, sort_keys=True, default=str))
        if isinstance(calendar, str):
            raise CalendarError(calendar)
        asked = (calendar, question.start, question.minutes, question.pauses)
        walked = list(_explained(calendar, steps(*asked))) if explain else []
        return {"due": _shown(due(*asked))}, walked
    except CalendarError as error:
        return {"error": " ".join(str(error).split("\n", 1)[0].split())}, []


def _question(line: bytes) -> Question:
    """Raises CalendarError."""
    try:
        data = json.loads(line.decode("utf-8-sig"), parse_float=_decimal, object_pairs_hook=_without_repeats)
        if not isinstance(data, dict):
            raise CalendarError("the line is not a JSON object; write start, minutes and calendar into one")
        return Question.model_validate(data)
    except CalendarError:
        raise
    except ValidationError as error:
        raise CalendarError(told_refusals(error, Question)[0]) from None
    except UnicodeDecodeError as error:
        raise CalendarError(f"the line is not UTF-8 at byte {error.start + 1}; write it in that encoding") from None
    except json.JSONDecodeError as error:
        raise CalendarError(f"the line is not JSON at character {error.pos + 1}: {error.msg}; mend it there") from None
    except (ValueError, RecursionError) as error:
        raise CalendarError(f"the line is not JSON that can be read: {error}; mend it") from None


def _decimal(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds, which a float makes infinite or zero
        return float(text)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON itself would silently take the last of a repeated key."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise CalendarError(f"{repeated!r:.60} is written twice; keep one")
    return found


@lru_cache(maxsize=1024)
def _calendar(text: str) -> Calendar | str:
    """The calendar of a JSON text, or what is wrong with it."""
    try:
        return parse_calendar(json.loads(text))
    except CalendarError as error:
        return f"calendar.{error}"


def _explained(calendar: Calendar, walked: Iterable[Step]) -> Iterator[str]:
    zone = ZoneInfo(calendar.timezone)
    for step in walked:
        parts = ", ".join(_local(*part, zone) for part in step.counted) or "nothing"
        yield f"# open {_local(step.opens, step.closes, zone)}; counted {parts}; {_hours(step.elapsed)} so far"


def _local(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    return " to ".join(_on_the_wall(when.astimezone(zone)) for when in (begin, end))


def _on_the_wall(when: datetime) -> str:
    """Such as `Mon 2026-01-05 09:00+01:00`, with seconds where there are any."""
    precision = "auto" if when.second or when.microsecond else "minutes"
    return f"{when:%a} {when.isoformat(' ', precision)}"


def _hours(span: timedelta) -> str:
    """Hours, minutes and seconds: `26:30:00`, `0:00:00.5`."""
    minutes, seconds = divmod(span, timedelta(minutes=1))
    return _trimmed(f"{minutes // 60}:{minutes % 60:02}:{seconds.seconds:02}.{seconds.microseconds:06}")


def _shown(when: datetime) -> str:
    return _trimmed(f"{when:%Y-%m-%dT%H:%M:%S.%f}") + "Z"


def _trimmed(seconds: str) -> str:
    """Without zeros at the end of the fraction."""
    return seconds.rstrip("0").rstrip(".")
