"""Words and what they stand for, indexed: a text is read once, however many words there are."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

_LINK: Final = re.compile(r"//\S*")

Meaning = TypeVar("Meaning")
"""What an entry stands for: of content words a type, of risk words a flag."""


class Finding(NamedTuple, Generic[Meaning]):
    type: Meaning
    word: str


class Occurrence(NamedTuple, Generic[Meaning]):
    """A word at one place. Places count bytes of the text's words; they compare within one text only."""

    finding: Finding[Meaning]
    start: int
    end: int


class _Entry(NamedTuple, Generic[Meaning]):
    """Entries compare by their place in the policy, which is unique."""

    place: tuple[int, int]
    phrase: bytes
    finding: Finding[Meaning]


def is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"


def is_symbol(word: str) -> bool:
    """Whether the word is one character, neither letter nor digit, such as "?". It matches anywhere."""
    return len(word) == 1 and not is_word_character(word)


class WordIndex(Generic[Meaning]):
    """Finds the entries that have one of their words in a text.

    Whole words, whatever their case. What is neither letter nor digit parts words and is otherwise ignored:
    "pre-order" finds "Pre order", and "can't" finds "can’t". Links have no words: their "?" asks nothing.
    """

    def __init__(self, entries: Sequence[tuple[Meaning, Sequence[str]]]) -> None:
        self._symbols = sorted({word for _, words in entries for word in words if is_symbol(word)})
        # Bytes are parted five times faster than text; beyond ASCII a pattern removes what parts words first.
        kept = "".join(map(re.escape, self._symbols))
        self._partings = re.compile(rf"[^\w\x00-\x7f{kept}]+")
        self._bytes = bytes(code if self._is_kept(code) else ord(" ") for code in range(256))
        self._entries: dict[bytes, list[_Entry[Meaning]]] = {}
        for rank, (meaning, words) in enumerate(entries):
            for number, word in enumerate(words):
                self._add(_Entry((rank, number), _phrase(self._split(word)), Finding(meaning, word)))

    def find(self, text: str) -> Finding[Meaning] | None:
        """The first entry, in the order given, that the text has, or None."""
        found, _ = self._found(text)
        return min(found).finding if found else None

    def find_all(self, text: str) -> list[Occurrence[Meaning]]:
        """Every word of every entry that the text has, in the order given, and wherever it stands in the text."""
        found, phrase = self._found(text)
        return [Occurrence(entry.finding, *span) for entry in sorted(found) for span in _spans(entry.phrase, phrase)]

    def _found(self, text: str) -> tuple[list[_Entry[Meaning]], bytes]:
        """The entries that the text has, in no order, and the text as one phrase."""
        words = self._split(text)
        met = self._entries.keys() & words
        if not met:
            return [], b""
        phrase = _phrase(words)
        return [entry for word in met for entry in self._entries[word] if entry.phrase in phrase], phrase

    def _add(self, entry: _Entry[Meaning]) -> None:
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


def _spans(phrase: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    """Where the phrase stands, overlapping itself or not; neighbours share the space between them."""
    start = text.find(phrase)
    while start >= 0:
        yield start, start + len(phrase)
        start = text.find(phrase, start + 1)
