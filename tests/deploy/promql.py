"""What an expression of PromQL asks for: as much of the language as our rules use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?!\s*\()(?![\w:])")
_MATCHER = re.compile(r"""(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)\"""")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}
_WINDOW = re.compile(r"\[[^\]]*\]")
_PLAIN = re.compile(r"[\w|]+")


class Matcher(NamedTuple):
    label: str
    values: tuple[str, ...]
    """Those that it names; none where it is a pattern such as `5..`."""


class Selector(NamedTuple):
    metric: str
    matchers: tuple[Matcher, ...]


def selectors(expression: str) -> list[Selector]:
    """Every metric that the expression names, with what it wants of its labels."""
    text = _GROUPING.sub(" ", _WINDOW.sub(" ", expression))
    return [
        Selector(name, tuple(_matchers(inside or "")))
        for name, inside in _SELECTOR.findall(text)
        if name not in _OPERATORS
    ]


def grouped_by(expression: str) -> set[str]:
    """Labels that it keeps, drops or compares by."""
    lists = _GROUPING.findall(expression)
    return {label.strip() for listed in lists for label in listed.split(",") if label.strip()}


def _matchers(inside: str) -> Iterator[Matcher]:
    for label, kind, value in _MATCHER.findall(inside):
        if kind in ("=", "!="):
            yield Matcher(label, (value,))
        else:
            yield Matcher(label, tuple(value.split("|")) if _PLAIN.fullmatch(value) else ())
