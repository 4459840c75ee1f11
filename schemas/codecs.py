"""Records to bytes and back.

`decode` is the only way in: it accepts what `encode` writes and what the published JSON Schemas describe, and
says in one sentence why anything else is refused, without quoting the content, which may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Generic, NoReturn, TypeVar, cast, get_args

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas.quick_json import is_written_quickly, quick_bytes, quick_reader
from schemas.records import AnyRecord, Classification, Mention, Record

R = TypeVar("R", bound=AnyRecord)

KINDS: Final[Mapping[str, type[AnyRecord]]] = MappingProxyType(
    {kind.model_fields["record"].default: kind for kind in get_args(AnyRecord)}
)
"""Every record that travels, by the name in its field `record`."""

_CLASSIFIED: Final = b'{"record":"classified_mention","version":1,"id":"%b","mention":%b,"classification":%b}'
_LARGEST_REUSED: Final = 16 * 1024
"""Bytes. Fields that this release drops could make a larger record outgrow the next topic."""

_PLAIN_WORD: Final = re.compile("[a-z_]{1,40}")
_NAMED: Final = re.compile(rb'\{"record":"([a-z_]{1,40})"').match
_QUICK_READERS: Final = {
    name.encode(): read for name, kind in KINDS.items() if (read := quick_reader(kind)) is not None
}
_QUICKLY_WRITTEN: Final = frozenset(kind for kind in KINDS.values() if is_written_quickly(kind))
_ANY: Final[TypeAdapter[AnyRecord]] = TypeAdapter(Annotated[AnyRecord, Field(discriminator="record")])
_VALIDATE: Final = _ANY.validator.validate_json


class UndecodableRecord(ValueError):
    """The bytes are no record that this release reads, or not one that belongs where they were found."""


def encode(record: Record) -> bytes:
    """The record, or a part of one, as UTF-8 JSON."""
    if type(record) in _QUICKLY_WRITTEN:
        return quick_bytes(record)
    return record.__pydantic_serializer__.to_json(record)


def encode_classified(id_: str, mention: bytes, classification: bytes) -> bytes:
    """A ClassifiedMention around parts that are encoded already: as `encode` writes it, in a tenth of the time.

    `id_` is a derived one: JSON takes hex digits as they are.
    """
    return _CLASSIFIED % (id_.encode(), mention, classification)


@lru_cache(maxsize=16_384)
def encode_classification(classification: Classification) -> bytes:
    """As `encode`, for what is written again and again: many mentions are classified alike."""
    return encode(classification)


def encode_again(mention: Mention, value: bytes) -> bytes:
    """A mention that was decoded from `value`: those very bytes, fields of a newer writer included, where they can
    stand in another record, else written anew.

    They can where they are a flat object, not large, and free of the numbers that not every reader of JSON takes.
    """
    flat = value.count(b"{") == 1 and b"[" not in value
    if flat and len(value) <= _LARGEST_REUSED and b"NaN" not in value and b"Infinity" not in value:
        return value
    return encode(mention)


def start_of(kind: type[AnyRecord]) -> bytes:
    """What `encode` begins a record of the kind with: known without decoding, but for writers that order their fields
    otherwise."""
    return b'{"record":"%b",' % kind.model_fields["record"].default.encode()


def decode(value: bytes | None) -> AnyRecord:
    """The record in the bytes. Raises UndecodableRecord."""
    if value is None:
        raise UndecodableRecord("no value: a tombstone, not a record")
    if (kind := _NAMED(value)) is not None and (read := _QUICK_READERS.get(kind[1])) is not None:
        found: AnyRecord | None = read(value)
        if found is not None:
            return found
    try:
        record: AnyRecord = _VALIDATE(value, strict=True)
    except ValidationError as error:
        _refuse(error)
    if "version" not in record.__pydantic_fields_set__:
        raise UndecodableRecord(f"{record.record} without a schema version")
    return record


class Codec(Generic[R]):
    """Decodes the kinds of record that belong on one topic: `Codec[Mention | Tick](Mention, Tick)`."""

    def __init__(self, *kinds: type[R]) -> None:
        self.kinds: Final = kinds

    def decode(self, value: bytes | None) -> R:
        """The record in the bytes. Raises UndecodableRecord, also for a record of another kind."""
        record = decode(value)
        if type(record) not in self.kinds:
            expected = " or ".join([name for name, kind in KINDS.items() if kind in self.kinds])
            raise UndecodableRecord(f"{record.record} does not belong here, only {expected}")
        return cast(R, record)


def _refuse(error: ValidationError) -> NoReturn:
    # Not chained: pydantic's error quotes the input, and a log would show it.
    raise UndecodableRecord(_reason(error.errors(include_url=False))) from None


def _reason(errors: list[ErrorDetails]) -> str:
    for found in errors:
        if found["loc"][-1:] == ("version",) and found["type"] != "missing":
            return f"unknown schema version {_shown(found['input'])} of {found['loc'][-2]}"
    return _first_reason(errors[0]) + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")


def _first_reason(found: ErrorDetails) -> str:
    match found["type"]:
        case "json_invalid":
            return f"not JSON: {found['ctx']['error']}"
        case "dict_type" | "model_attributes_type" if not found["loc"]:
            return "not a record: not a JSON object"
        case "union_tag_not_found":
            return "not a record: no field `record` says what it is"
        case "union_tag_invalid" if not found["loc"]:
            return f"unknown record {_shown(found['ctx']['tag'])}"
        case "union_tag_invalid":
            return f"{_place(found)}: unknown {_shown(found['ctx']['tag'])}"
    return f"{_place(found)}: {found['msg'].removeprefix('Value error, ')}"


def _place(found: ErrorDetails) -> str:
    kind, *path = found["loc"]
    return f"{kind}, field {'.'.join(map(str, path))}"


def _shown(value: Any) -> str:
    """The value, if it is a small number or a plain word; anything else might be somebody's text."""
    if isinstance(value, int) and abs(value) < 1_000_000:
        return str(value)
    if isinstance(value, str) and _PLAIN_WORD.fullmatch(value):
        return f"`{value}`"
    return "(withheld)"
