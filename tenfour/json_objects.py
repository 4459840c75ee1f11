"""Reads a line that holds one JSON object, as strictly as it has to be written again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from tenfour.text_lines import Unreadable

MAX_DEPTH: Final = 100
"""Of objects and lists inside each other: what was read is also written, and the stack is finite."""


def json_object(given: str) -> dict[str, Any]:
    """The object. Raises Unreadable for all else, for NaN and infinities, and for what is nested too deeply."""
    try:
        value = json.loads(given, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise Unreadable(f"is nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise error if isinstance(error, Unreadable) else Unreadable("holds a number of too many digits") from None
    if not isinstance(value, dict):
        raise Unreadable("is not a JSON object; each line must hold one")
    if _is_deep(value):
        raise Unreadable(f"is nested deeper than {MAX_DEPTH}")
    return value


def _refuse_constant(constant: str) -> None:
    raise Unreadable(f"is not JSON: {constant} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Unreadable(f"holds a number that is too large: {digits[:20]}")
    return number


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
