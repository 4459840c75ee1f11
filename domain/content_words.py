"""The words that settle a neutral mention, indexed: a text is read once, however many words there are."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from schemas.records import MentionType

_SPACE: Final = ord(" ")


class Finding(NamedTuple):
    type: MentionType
    word: str


class _Entry(NamedTuple):
    """Entries compare by their place in the policy, which is unique."""

    place: tuple[int, int]
    phrase: str
    finding: Finding


class _Characters(dict[int, int]):
    """A table for str.translate: letters, digits, `_` and the kept symbols stay, all else becomes a space."""

    def __init__(self, kept: Iterable[str]) -> None:
        super().__init__({ord(symbol): ord(symbol) for symbol in kept})

    def __missing__(self, code: int) -> int:
        self[code] = code if is_word_character(chr(code)) else _SPACE
        return self[code]


def is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"


def is_symbol(word: str) -> bool:
    """Whether the word is one character, neither letter nor digit, such as "?". It matches anywhere."""
    return len(word) == 1 and not is_word_character(word)


class ContentWords:
    """Finds the first entry, in the order given, that has one of its words in a text.

    Whole words, whatever their case. What is neither letter nor digit parts words and is otherwise ignored:
    "pre-order" finds "Pre order", and "can't" finds "can’t".
    """

    def __init__(self, entries: Sequence[tuple[MentionType, Sequence[str]]]) -> None:
        words = [word for _, words in entries for word in words]
        self._symbols = sorted(filter(is_symbol, words))
        self._characters = _Characters(self._symbols)
        self._entries: dict[str, list[_Entry]] = {}
        for rank, (type_, of_type) in enumerate(entries):
            for number, word in enumerate(of_type):
                self._add(_Entry((rank, number), self._phrase(self._split(word)), Finding(type_, word)))

    def _add(self, entry: _Entry) -> None:
        # The longest part of a phrase is the rarest in texts: "to" of "how to" would be looked up in vain.
        longest = max(entry.phrase.split(), key=len)
        self._entries.setdefault(longest, []).append(entry)

    def find(self, text: str) -> Finding | None:
        """The first entry of the policy that the text has, or None."""
        words = self._split(text)
        met = set(filter(self._entries.__contains__, words))
        if not met:
            return None
        phrase = self._phrase(words)
        found = [entry for word in met for entry in self._entries[word] if entry.phrase in phrase]
        return min(found).finding if found else None

    def _split(self, text: str) -> list[str]:
        text = text.casefold()
        for symbol in self._symbols:
            text = text.replace(symbol, f" {symbol} ")
        return text.translate(self._characters).split()

    @staticmethod
    def _phrase(words: list[str]) -> str:
        return f" {' '.join(words)} "
