"""How a command fails: one line that says what is wrong and what to do, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final

FAILED: Final = 1
UNEXPECTED: Final = 70
"""EX_SOFTWARE of sysexits.h: the fault is in the program."""

OPERATOR_ERRORS: Final = frozenset(
    {
        "aiokafka.errors.KafkaError",
        "builtins.OSError",
        "console.database.DatabaseError",
        "console.rebuild.WouldDrop",
        "domain.state_head.StateError",
        "domain.open_hours.CalendarError",
        "domain.policy_source.PolicyError",
        "domain.working_time.UnknownCalendar",
        "gateway.notify_channels.ChannelsError",
        "gateway.replay_file.ReplayError",
        "models.manifest.ModelError",
        "streams.broker_jars.BrokerError",
        "streams.dead_letter_log.DeadLetterError",
        "streams.listening.ServingError",
        "streams.settings.SettingsError",
        "streams.topics.TopicError",
        "streams.writing.WriteFailed",
    }
)
"""What an operator can mend. By name: importing them all would take longer than most commands."""


def report(error: Exception) -> int:
    """Tells the operator, and gives the exit status. Set TENFOUR_TRACEBACK=1 to see where it happened."""
    if os.environ.get("TENFOUR_TRACEBACK"):
        traceback.print_exception(error, file=sys.stderr)
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if names & OPERATOR_ERRORS:
        print(f"tenfour: {_told(error, names)}", file=sys.stderr)
        return FAILED
    what = f"{type(error).__name__}: {_one_line(error)}"
    print(f"tenfour: unexpected {what}; TENFOUR_TRACEBACK=1 shows where", file=sys.stderr)
    return UNEXPECTED


def _told(error: Exception, names: set[str]) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if "aiokafka.errors.KafkaError" in names:
        return f"Kafka is gone, or refused: {_one_line(error)}"
    return _one_line(error)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
