"""What a process writes while it works, to standard error: one line an event, for people or as JSON.

At level info and above a line carries ids, keys and kinds, and never what somebody wrote or is called.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
ROOT: Final = "tenfour"
_ALSO: Final = ("aiokafka", "faust")
"""Libraries whose warnings go with ours, where programs read them; people get the one line at the end."""

structlog.configure(
    processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Of a part of the product, such as a stage: `logger("desk").info("escalation", conversation=...)`."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"{ROOT}.{name}")
    return log


class _Lines:
    """How this process writes."""

    format: Format = "text"


def start_logs(format_: Format, level: Level) -> None:
    """From here on events are written."""
    handler = logging.StreamHandler(sys.stderr)
    renderer: Processor = _json if format_ == "json" else _as_text
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[renderer]))
    root = logging.getLogger(ROOT)
    root.handlers, root.propagate = [handler], False
    root.setLevel(level.upper())
    _Lines.format = format_
    for name in _ALSO if format_ == "json" else ():
        logging.getLogger(name).handlers = [handler]


def announce(line: str) -> None:
    """What a process says to whoever has started it: that it runs, and where."""
    if _Lines.format == "json":
        logger("process").info(line)
    else:
        print(line, file=sys.stderr, flush=True)


def last_words(line: str) -> None:
    """Why the process ends: `line` for people, one JSON object for programs."""
    if _Lines.format == "json":
        logger("process").critical(line)
    else:
        print(f"{ROOT}: {line}", file=sys.stderr, flush=True)


def _json(log: WrappedLogger, method: str, event: EventDict) -> str:
    """Time (UTC), level and part first, then what happened and its fields."""
    record = _taken(event)
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    first: EventDict = {"at": at, "level": record.levelname.lower(), "part": record.name.removeprefix(f"{ROOT}.")}
    return str(_AS_JSON(log, method, {**first, **event}))


def _as_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`tenfour: breached conversation=... target=...`"""
    _taken(event)
    said = event.pop("event")
    fields = [f"{name}={value}" for name, value in event.items() if value is not None]
    return " ".join([f"{ROOT}: {said}", *fields]).replace("\n", "\\n")


_AS_JSON: Final = structlog.processors.JSONRenderer(ensure_ascii=False)


def _taken(event: EventDict) -> logging.LogRecord:
    """The record of the standard library, which is no field of the event."""
    event.pop("_from_structlog")
    event.pop("exc_info", None)
    record: Any = event.pop("_record")
    assert isinstance(record, logging.LogRecord)
    return record
