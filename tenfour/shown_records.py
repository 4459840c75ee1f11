"""Records of a topic made ready to be shown: decoded, or with the reason why they can't be."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord

from schemas.codecs import UndecodableRecord, decode
from schemas.records import AnyRecord, Tick
from streams.reading import follow as read_on
from streams.reading import read_to_end
from streams.topics import TopicError, partition_counts

MAX_SHOWN_BYTES = 200
_UNPRINTABLE = {code: f"\\u{code:04x}" for code in (*range(0x00, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F))}
"""Controls of a terminal, and of the direction of writing: a post must not steer the screen of its reader."""


@dataclass(frozen=True)
class ShownRecord:
    """One record and where it stands. `undecodable` says why there is no `record`."""

    topic: str
    partition: int
    offset: int
    written_at: datetime
    key: str | None
    value: bytes | None
    record: AnyRecord | None
    undecodable: str | None

    @classmethod
    def of(cls, found: ConsumerRecord) -> ShownRecord:
        record, undecodable = _decoded(found.value)
        return cls(
            found.topic,
            found.partition,
            found.offset,
            datetime.fromtimestamp(found.timestamp / 1000, UTC),
            None if found.key is None else printable(found.key.decode("utf-8", "backslashreplace")),
            found.value,
            record,
            undecodable,
        )

    @property
    def is_tick(self) -> bool:
        return isinstance(self.record, Tick)

    def as_json(self) -> dict[str, Any]:
        """For machines. The value of what can't be decoded is in base64."""
        place = {"topic": self.topic, "partition": self.partition, "offset": self.offset}
        shown = {**place, "written_at": self.written_at.isoformat(), "key": self.key}
        if self.record is not None:
            return {**shown, "record": self.record.model_dump(mode="json")}
        value = None if self.value is None else b64encode(self.value).decode()
        return {**shown, "undecodable": self.undecodable, "value": value}

    def record_json(self) -> str:
        """The record for people: JSON without what would steer a terminal."""
        dumped = None if self.record is None else self.record.model_dump(mode="json")
        return printable(json.dumps(dumped, ensure_ascii=False))

    def value_text(self) -> str:
        """The beginning of the bytes, as Python writes them."""
        return value_text(self.value)


async def shown_records(
    bootstrap: str, topic: str, *, from_start: bool, follow: bool
) -> AsyncGenerator[ShownRecord, None]:
    """The committed records of a topic; without `follow`, those that are there now. Raises TopicError."""
    if topic not in await partition_counts(bootstrap):
        raise TopicError(f"no topic {topic}: create what is missing with `tenfour topics apply`")
    found = read_on(bootstrap, [topic], from_start=from_start) if follow else read_to_end(bootstrap, [topic])
    async with aclosing(found) as records:  # type: ignore[type-var]
        async for record in records:
            yield ShownRecord.of(record)


def _decoded(value: bytes | None) -> tuple[AnyRecord | None, str | None]:
    try:
        return decode(value), None
    except UndecodableRecord as error:
        return None, str(error)


def value_text(value: bytes | None) -> str:
    """The beginning of the bytes, as Python writes them."""
    if value is None:
        return "no value"
    more = f" and {len(value) - MAX_SHOWN_BYTES} bytes more" if len(value) > MAX_SHOWN_BYTES else ""
    return f"{value[:MAX_SHOWN_BYTES]!r}{more}"


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return text.translate(_UNPRINTABLE)
