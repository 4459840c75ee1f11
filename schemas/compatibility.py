"""Whether a changed JSON Schema still describes the records that were written under the same version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def breaking_changes(published: Schema, current: Schema) -> Iterator[str]:
    """A sentence for each change that needs a new version of the record; nothing if old and new agree.

    Breaking are: a required field that is gone or now optional, a field that has become required, a field of
    another type, a value of an enumeration that is gone, and a limit that has become narrower. A new optional
    field and a new value are not.
    """
    for name, old, new in _objects(published, current):
        yield from _changed_requirements(name, old, new)
        for field in old.get("properties", {}).keys() & new.get("properties", {}).keys():
            yield from _changed_field(f"{name}.{field}", old["properties"][field], new["properties"][field])


def _objects(published: Schema, current: Schema) -> Iterator[tuple[str, Schema, Schema]]:
    """The record and the objects it is made of, old beside new; one that is gone shows in its holder."""
    yield published.get("title", "record"), published, current
    for name, old in published.get("$defs", {}).items():
        if name in current.get("$defs", {}):
            yield name, old, current["$defs"][name]


def _changed_requirements(name: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after, known = (
        set(old.get("required", [])),
        set(new.get("required", [])),
        new.get("properties", {}),
    )
    for field in sorted(before - after):
        change = "has become optional" if field in known else "was removed or renamed"
        yield f"{name}.{field}: a required field {change}; give the record a new version"
    for field in sorted(after - before):
        yield f"{name}.{field}: is now required, which older records lack; give the record a new version"


def _changed_field(name: str, old: Schema, new: Schema) -> Iterator[str]:
    if _type(old) != _type(new):
        yield f"{name}: its type changed from {_type(old)} to {_type(new)}; give the record a new version"
    before, after = _values(old), _values(new)
    if after and not before <= after:
        yield f"{name}: no longer takes {', '.join(sorted(before - after))}; give the record a new version"
    if after and not before:
        yield f"{name}: now takes only {', '.join(sorted(after))}; give the record a new version"
    for limit in _narrowed(old, new):
        yield f"{name}: its {limit} became narrower; give the record a new version"


def _type(field: Schema) -> str:
    """The type in a few words: `string date-time`, `#/$defs/Mention`, `integer or null`."""
    if "anyOf" in field:
        return " or ".join([_type(option) for option in field["anyOf"]])
    if "items" in field:
        return f"array of {_type(field['items'])}"
    return " ".join([str(field[part]) for part in ("type", "format", "$ref") if part in field])


def _values(field: Schema) -> set[str]:
    """The values of an enumeration, or the kinds of a part that names itself; empty for a field that takes any."""
    listed = [value for option in _options(field) for value in option.get("enum", [])]
    listed += [option["$ref"].removeprefix("#/$defs/") for option in field.get("oneOf", [])]
    return {str(value) for value in [*listed, *([field["const"]] if "const" in field else [])]}


def _narrowed(old: Schema, new: Schema) -> Iterator[str]:
    for before, after in zip(_options(old), _options(new), strict=False):
        yield from [k for k in _UPPER_LIMITS if k in after and after[k] < before.get(k, float("inf"))]
        yield from [k for k in _LOWER_LIMITS if k in after and after[k] > before.get(k, float("-inf"))]


def _options(field: Schema) -> list[Schema]:
    """What the field may hold: the branches of an `anyOf`, the items of an array, or the field itself."""
    options: list[Schema] = field.get("anyOf") or [field.get("items", field)]
    return options
