"""Dead letters made ready to be shown: in a list without what anybody wrote, or whole."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, Final

from schemas.codecs import UndecodableRecord, decode
from streams.dead_letter_log import FoundLetter
from tenfour.shown_records import printable, value_text

QUOTES_NOTHING: Final = frozenset({"UndecodableRecord"})
"""Errors whose words never hold what a record says."""
MAX_REASON: Final = 160


def as_row(found: FoundLetter) -> list[str]:
    """For a table."""
    letter = found.letter
    source = f"{letter.topic} {letter.partition}:{letter.offset}"
    came = f"{letter.failed_at:%Y-%m-%d %H:%M:%S}Z"
    return [str(found.place), came, letter.stage, source, letter.error, _reason(found)]


def as_json(found: FoundLetter) -> dict[str, Any]:
    """The same for machines."""
    letter = found.letter
    return {
        "id": str(found.place),
        "came_at": letter.failed_at.isoformat().replace("+00:00", "Z"),
        "stage": letter.stage,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "error": letter.error,
        "reason": _reason(found),
    }


def whole_as_json(found: FoundLetter) -> dict[str, Any]:
    """With its reason, key and payload: decoded where it can be, else in base64."""
    letter = found.letter
    whole = as_json(found) | {"letter": letter.id, "reason": letter.message, "key": _key(letter.key)}
    try:
        return whole | {"record": decode(letter.value).model_dump(mode="json")}
    except UndecodableRecord as error:
        value = None if letter.value is None else b64encode(letter.value).decode()
        return whole | {"undecodable": str(error), "value": value}


def as_text(found: FoundLetter) -> str:
    """The same for people, without what would steer a terminal."""
    whole = whole_as_json(found)
    record = whole.pop("record", None)
    whole.pop("value", None)
    lines = [f"{name:12} {printable(str(value))}" for name, value in whole.items()]
    shown = value_text(found.letter.value) if record is None else json.dumps(record, ensure_ascii=False, indent=2)
    return "\n".join([*lines, "", *[printable(line) for line in shown.splitlines()]])


def _reason(found: FoundLetter) -> str:
    letter = found.letter
    if letter.error not in QUOTES_NOTHING:
        return f"`tenfour dead-letters show {found.place}`"
    told = printable(" ".join(letter.message.split()))
    return told if len(told) <= MAX_REASON else f"{told[: MAX_REASON - 1]}…"


def _key(key: bytes | None) -> str | None:
    return None if key is None else printable(key.decode("utf-8", "backslashreplace"))
