"""The words that settle a neutral mention, indexed: a text is read once, however many words there are."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.records import MentionType

_LINK: Final = re.compile(r"//\S*")


class Finding(NamedTuple):
    type: MentionType
    word: str


class _Entry(NamedTuple):
    """Entries compare by their place in the policy, which is unique."""

    place: tuple[int, int]
    phrase: bytes
    finding: Finding


def is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"


def is_symbol(word: str) -> bool:
    """Whether the word is one character, neither letter nor digit, such as "?". It matches anywhere."""
    return len(word) == 1 and not is_word_character(word)


class ContentWords:
    """Finds the first entry, in the order given, that has one of its words in a text.

    Whole words, whatever their case. What is neither letter nor digit parts words and is otherwise ignored:
    "pre-order" finds "Pre order", and "can't" finds "can’t". Links have no words: their "?" asks nothing.
    """

    def __init__(self, entries: Sequence[tuple[MentionType, Sequence[str]]]) -> None:
        self._symbols = sorted({word for _, words in entries for word in words if is_symbol(word)})
        # Bytes are parted five times faster than text; beyond ASCII a pattern removes what parts words first.
        kept = "".join(map(re.escape, self._symbols))
        self._partings = re.compile(rf"[^\w\x00-\x7f{kept}]+")
        self._bytes = bytes(code if self._is_kept(code) else ord(" ") for code in range(256))
        self._entries: dict[bytes, list[_Entry]] = {}
        for rank, (type_, words) in enumerate(entries):
            for number, word in enumerate(words):
                self._add(_Entry((rank, number), _phrase(self._split(word)), Finding(type_, word)))

    def find(self, text: str) -> Finding | None:
        """The first entry of the policy that the text has, or None."""
        words = self._split(text)
        met = self._entries.keys() & words
        if not met:
            return None
        phrase = _phrase(words)
        found = [entry for word in met for entry in self._entries[word] if entry.phrase in phrase]
        return min(found).finding if found else None

    def _add(self, entry: _Entry) -> None:
        # The longest part of a phrase is the rarest in texts: "to" of "how to" would be looked up in vain.
        longest = max(entry.phrase.split(), key=len)
        self._entries.setdefault(longest, []).append(entry)

    def _is_kept(self, code: int) -> bool:
        return code > 127 or is_word_character(chr(code)) or chr(code) in self._symbols

    def _split(self, text: str) -> list[bytes]:
        text = text.casefold()
        if "//" in text:
            text = _LINK.sub(" ", text)
        for symbol in self._symbols:
            text = text.replace(symbol, f" {symbol} ")
        if not text.isascii():
            text = self._partings.sub(" ", text)
        return text.encode("utf-8", "surrogatepass").translate(self._bytes).split()


def _phrase(words: list[bytes]) -> bytes:
    return b" %b " % b" ".join(words)
