"""Which texts say nearly the same: by the share of their pairs of neighbouring words that they have in common.

A. Broder, "On the resemblance and containment of documents" (1997). The pairs are kept as hashes: what is compared can
be kept for days without keeping what somebody wrote.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Final

Sketch = frozenset[str]
_WORD: Final = re.compile(r"\w+")
_NO_WORDS: Final = frozenset({"user", "http"})
"""What `models.text.prepare` makes of handles and links: they are in every text, and say nothing of it."""
_HASH_BYTES: Final = 6


def sketch_of(prepared: str) -> Sketch:
    """The pairs of words of a text that was prepared as for the model, hashed; of a single word, that word."""
    words = [word for word in _WORD.findall(prepared.casefold()) if word not in _NO_WORDS]
    pairs = [" ".join(pair) for pair in pairwise(words)] or words
    return frozenset(blake2b(pair.encode(), digest_size=_HASH_BYTES).hexdigest() for pair in pairs)


def likeness(one: Sketch, other: Sketch) -> float:
    """Of all pairs that either has, the share that both have: 0 to 1."""
    either = len(one | other)
    return len(one & other) / either if either else 0.0


def near_copies(sketches: Sequence[Sketch], least: float) -> list[list[int]]:
    """Groups, by number: each text joins the group whose first text it is most like, if at least so much, or begins
    one. What comes of it depends on the given order alone. Empty sketches are left out."""
    groups: list[list[int]] = []
    holding: defaultdict[str, list[int]] = defaultdict(list)
    for number, sketch in enumerate(sketches):
        if not sketch:
            continue
        near = {place for pair in sketch for place in holding[pair]}
        found = max(near, key=lambda place: (likeness(sketches[groups[place][0]], sketch), -place), default=None)
        if found is not None and likeness(sketches[groups[found][0]], sketch) >= least:
            groups[found].append(number)
            continue
        for pair in sketch:
            holding[pair].append(len(groups))
        groups.append([number])
    return groups
