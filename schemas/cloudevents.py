"""CloudEvents attributes in Kafka headers: the binary mode of the CloudEvents Kafka binding 1.0.2."""

from __future__ import annotations

from functools import lru_cache

from schemas.records import AnyRecord, Tick

Headers = list[tuple[str, bytes]]


def headers_of(record: AnyRecord, source: str) -> Headers:
    """The headers of a record written by `source`, a URI reference such as `/tenfour/classify`.

    A tick has none: it is the time between events and not an event, so a reader that looks for `ce_type` may
    skip it.
    """
    if isinstance(record, Tick):
        return []
    return event_headers(record.record, record.version, record.id, source)


def event_headers(kind: str, version: int, id_: str, source: str) -> Headers:
    """The headers of an event by the name, version and id of its record, for whoever has the bytes only."""
    return [("ce_id", id_.encode()), *_constant_headers(kind, version, source)]


@lru_cache(maxsize=256)
def _constant_headers(kind: str, version: int, source: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", f"tenfour.{kind}.v{version}".encode()),
        ("ce_source", source.encode()),
        ("content-type", b"application/json"),
    )
