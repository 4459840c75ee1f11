"""Records from JSON and to it in a fraction of pydantic's time, where nothing about them is unusual.

Both ways say exactly what pydantic says, or nothing: `quick_reader` gives None for whatever it would not take as it
stands, and then pydantic decides, converts, or says what is wrong. msgspec does the work, by types that are derived
from the records: the models stay the one description of what a record is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    TypedDict,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from pydantic.fields import FieldInfo

from schemas.record_fields import FIRST_YEAR, LAST_YEAR, Instant, Record

R = TypeVar("R", bound=Record)
Read = Callable[[bytes], Any]
_Build = Callable[[dict[str, Any]], Any]

_CONSTRAINTS: Final = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
_set: Final = object.__setattr__
_FINER: Final = re.compile(rb":\d\d\.\d{7}").search
"""Fractions of a second finer than microseconds."""
_PLAIN: Final = (str, int, float, bool, NoneType)


class NotQuick(TypeError):
    """A field holds what only pydantic reads: bytes, anything at all."""


def quick_reader(kind: type[Record]) -> Read | None:
    """Bytes to a record of the kind, or to None where pydantic must look. None for kinds that only pydantic reads."""
    try:
        decode, build = msgspec.json.Decoder(_typed_dict(kind)).decode, _builder(kind)
    except NotQuick:
        return None

    def read(value: bytes) -> Any:
        if not value.isascii():
            try:
                value.decode()  # msgspec does not look at what it passes over
            except UnicodeDecodeError:
                return None
        if _FINER(value):  # msgspec rounds, pydantic cuts
            return None
        try:
            return build(decode(value))
        except (ValueError, RecursionError):
            return None

    return read


def is_written_quickly(kind: type[Record]) -> bool:
    """Whether `quick_bytes` writes the kind as pydantic does: not where it holds numbers with a point."""
    try:
        _typed_dict(kind)
    except NotQuick:
        return False
    return not any(map(_holds_float, get_type_hints(kind, include_extras=True).values()))


def quick_bytes(record: Record) -> bytes:
    """The record as JSON. Its kind must be one that is written quickly."""
    return _ENCODE(record)


def _parts(value: object) -> dict[str, Any]:
    if isinstance(value, Record):
        return value.__dict__
    raise NotQuick(f"{type(value).__name__} in a record")


_ENCODE: Final = msgspec.json.Encoder(enc_hook=_parts).encode


@cache
def _typed_dict(kind: type[Record]) -> Any:
    """What msgspec checks. The fields by which a record names itself must be there."""
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if name in kind.model_fields:
            needed = kind.model_fields[name].is_required() or name in ("record", "version")
            fields[name] = _plain(hint) if needed else NotRequired[_plain(hint)]
    return TypedDict(kind.__name__, fields)  # type: ignore[operator]


def _plain(hint: Any) -> Any:
    """The same type in msgspec's words. Raises NotQuick."""
    if hint == Instant:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _constrained(_plain(arguments[0]), arguments[1:])
    if origin in (Union, UnionType):
        if sum(map(_is_record, arguments)) > 1:
            raise NotQuick(f"one of several records: {hint}")
        return Union[tuple(map(_plain, arguments))]  # noqa: UP007
    if origin is tuple and arguments[1:] == (...,):
        return tuple[_plain(arguments[0]), ...]  # type: ignore[misc]
    if origin is Literal or hint in _PLAIN:
        return hint
    if isinstance(hint, type) and issubclass(hint, Record):
        return _typed_dict(hint)
    raise NotQuick(f"{hint}")


def _constrained(plain: Any, metadata: tuple[Any, ...]) -> Any:
    limits = {}
    for found in metadata:
        if not isinstance(found, FieldInfo):
            raise NotQuick(f"{found}")
        for limit in found.metadata:
            said = {name: getattr(limit, name) for name in _CONSTRAINTS if hasattr(limit, name)}
            if not said:
                raise NotQuick(f"{limit}")
            limits.update(said)
    if "pattern" in limits:  # where pydantic's end of text is Python's end of line
        limits["pattern"] = re.sub(r"\$$", r"\\Z", limits["pattern"])
    return Annotated[plain, msgspec.Meta(**limits)]


@cache
def _builder(kind: type[Record]) -> _Build:
    """From what msgspec read to a record. Raises ValueError where pydantic must look."""
    hints = {
        name: hint for name, hint in get_type_hints(kind, include_extras=True).items() if name in kind.model_fields
    }
    if any(field.default_factory is not None for field in kind.model_fields.values()):
        raise NotQuick(f"{kind.__name__}: a default that is made anew each time")
    template = {name: None if field.is_required() else field.default for name, field in kind.model_fields.items()}
    instants = [name for name, hint in hints.items() if Instant in _members(hint)]
    series = [name for name, hint in hints.items() if hint == tuple[Instant, ...]]
    parts = [(name, _builder(part)) for name, hint in hints.items() for part in _members(hint) if _is_record(part)]
    rows = [
        (name, _builder(get_args(hint)[0]))
        for name, hint in hints.items()
        if get_origin(hint) is tuple and _is_record(get_args(hint)[0])
    ]
    names = set(template)

    def build(found: dict[str, Any]) -> Any:
        fields = {**template, **found}
        for name in instants:
            if fields[name] is not None:
                _refuse_unusual(fields[name])
        for name in series:
            for instant in fields[name]:
                _refuse_unusual(instant)
        for name, part in parts:
            if fields[name] is not None:
                fields[name] = part(fields[name])
        for name, part in rows:
            fields[name] = tuple(map(part, fields[name]))
        return trusted(kind, fields, names)

    return build


def trusted(kind: type[R], fields: dict[str, Any], names: set[str]) -> R:
    """As `kind(**fields)`, unchecked: each value comes from a record that was checked. `names` are those of all fields.

    `model_construct` takes longer than checking does. These four attributes are what unpickling sets.
    """
    found = kind.__new__(kind)
    _set(found, "__dict__", fields)
    _set(found, "__pydantic_fields_set__", names)
    _set(found, "__pydantic_extra__", None)
    _set(found, "__pydantic_private__", None)
    return found


def _refuse_unusual(instant: datetime) -> None:
    """Raises ValueError for an instant that pydantic would convert or refuse."""
    if instant.tzinfo is not UTC or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError("not in UTC, or too far away")


def _holds_float(hint: Any) -> bool:
    if _is_record(hint):
        return not is_written_quickly(hint)
    return hint is float or (get_origin(hint) is not Literal and any(map(_holds_float, get_args(hint))))


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Record)
