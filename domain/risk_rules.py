"""Which risks a mention carries: words in its text, and who its author is.

A flag goes beside the type. It is raised, never cleared: neither the model nor the sentiment has a say in it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from domain.word_index import Occurrence, WordIndex
from schemas.records import RiskFlag


class RiskHit(NamedTuple):
    """A flag, and what raised it: a word as the policy writes it, or a fact of the author."""

    flag: RiskFlag
    why: str


class RiskRule(NamedTuple):
    """Words that raise a flag. An exception takes back each occurrence of a word that lies inside it."""

    flag: RiskFlag
    words: Sequence[str]
    exceptions: Sequence[str] = ()


class _Meaning(NamedTuple):
    rule: int
    flag: RiskFlag
    excepts: bool


class RiskRules:
    """The risk words of a policy, indexed; words match as `domain.word_index` says."""

    def __init__(self, rules: Iterable[tuple[RiskFlag, Sequence[str], Sequence[str]]]) -> None:
        numbered = [(number, RiskRule(*rule)) for number, rule in enumerate(rules)]
        raising = [(_Meaning(number, rule.flag, False), rule.words) for number, rule in numbered]
        taking_back = [(_Meaning(number, rule.flag, True), rule.exceptions) for number, rule in numbered]
        self._index = WordIndex([*raising, *taking_back])

    def hits(self, text: str) -> list[RiskHit]:
        """Each word that raises a flag, once, in the order of the rules.

        "What is your refund policy? I want a refund" still asks for one: only the first is inside "refund policy".
        """
        found = self._index.find_all(text)
        exceptions = [one for one in found if one.finding.type.excepts]
        raised = [
            RiskHit(one.finding.type.flag, one.finding.word)
            for one in found
            if not one.finding.type.excepts and not any(_takes_back(other, one) for other in exceptions)
        ]
        return list(dict.fromkeys(raised))

    def flags(self, text: str) -> tuple[RiskFlag, ...]:
        """The flags that the text raises, sorted."""
        return flags_of(self.hits(text))


def flags_of(hits: Iterable[RiskHit]) -> tuple[RiskFlag, ...]:
    """The flags raised, each once, sorted."""
    return tuple(sorted({hit.flag for hit in hits}))


def _takes_back(exception: Occurrence[_Meaning], word: Occurrence[_Meaning]) -> bool:
    same_rule = exception.finding.type.rule == word.finding.type.rule
    return same_rule and exception.start <= word.start and word.end <= exception.end
