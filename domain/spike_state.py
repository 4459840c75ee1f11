"""How what is known of spikes stands in the state topic, as JSON.

Three kinds of record, each value a list that begins with the format's version:

- `[brand, type, sentiment, start]`: the mentions posted in the hop that starts at that minute since 1970;
- `[brand, type, sentiment]`: a spike that was told and has not calmed down;
- `"time"`: the last minute that was judged, and the first and last tick (ms) of each partition that was counted.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.records import MentionType, Sentiment

VERSION: Final = 1
TIME_KEY: Final = b'"time"'
_TOLD: Final = b"[1]"

Change = tuple[bytes, bytes | None]
"""A record for the state topic: key, and value or None for a tombstone."""


class StateError(ValueError):
    """A state record that this program cannot read."""


class Series(NamedTuple):
    """What is counted together. Without a sentiment: of any."""

    brand: str
    type: MentionType
    sentiment: Sentiment | None


class Heard(NamedTuple):
    """The first and the last tick of a partition, in ms since 1970."""

    first: int
    last: int


def hop_key(series: Series, start: int) -> bytes:
    return _compact([*series, start])


def told_key(series: Series) -> bytes:
    return _compact(series)


def count_value(count: int) -> bytes:
    return _compact([VERSION, count])


def told_value(told: bool) -> bytes | None:
    return _TOLD if told else None


def time_value(judged: int | None, heard: Mapping[int, Heard]) -> bytes:
    return _compact([VERSION, judged, [[partition, *ticks] for partition, ticks in sorted(heard.items())]])


def read(data: bytes) -> Any:
    """A key or value as JSON. Raises StateError for a value of another version, or what is no JSON."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise StateError(f"the state of spikes holds what is no JSON: {error}") from None
    return found


def read_value(value: bytes) -> list[Any]:
    """What stands behind the version. Raises StateError."""
    found = read(value)
    if not isinstance(found, list) or found[:1] != [VERSION]:
        raise StateError(
            f"the state of spikes has another version, this program reads version {VERSION}:"
            " run the program that wrote it, or reset the stage's group and its state topic"
        )
    return found[1:]


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
