"""The lines of a text file, as text; one that can't be read is found out when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

MAX_LINE_BYTES: Final = 16 * 2**20
"""Of one line; the longest text takes 1.2 MB when each character is escaped."""

_TOO_LONG_LINE: Final = "\udc00"
"""Stands for such a line. Decoding makes U+DC80 to U+DCFF of bytes that are not UTF-8, but never this."""


class Unreadable(ValueError):
    """The text says what is wrong with a line."""


def text_lines(stream: BinaryIO) -> Iterator[str]:
    """Lines with their ends. Of bytes that are not UTF-8 surrogates are made, which `readable` refuses."""
    start, line = True, stream.readline(MAX_LINE_BYTES)
    while line:
        text = line.decode("utf-8-sig" if start else "utf-8", "surrogateescape")
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            text = _TOO_LONG_LINE
            _skip_line(stream)
        if text:  # not the mark alone
            yield text
        start, line = False, stream.readline(MAX_LINE_BYTES)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass


def readable(given: str) -> str:
    """What a line, or a part of one, says. Raises Unreadable where it was not UTF-8, or too long a line."""
    if _TOO_LONG_LINE in given:
        raise Unreadable(f"is longer than {MAX_LINE_BYTES // 2**20} MiB")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise Unreadable("is not UTF-8") from None
    return given
