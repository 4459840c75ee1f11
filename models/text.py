"""Text preparation shared by training and run time: the model must see at work what it saw in training."""

import html
import re
import unicodedata
from typing import get_args

from schemas.records import MentionType, Sentiment

LABELS: tuple[str, ...] = get_args(Sentiment)
"""Sentiments by number, which is also the order of the model's probabilities."""

TYPES: tuple[str, ...] = get_args(MentionType)
"""Mention types by number, which is also the order of the model's probabilities."""

HEADS = {"sentiment": LABELS, "type": TYPES}
"""The outputs of the network, and the classes of each."""

MAX_CHARACTERS = 2_000

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<!\w)@\w+")
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")


def prepare(text: str) -> str:
    """The text as the model reads it; "" when nothing readable is left.

    HTML entities are unescaped (channels send `&amp;`), control characters and lone surrogates removed, the
    text composed (NFC), links become `http` and handles `@user` as in TweetEval, white space is folded and the
    result is cut to 2,000 characters.
    """
    readable = _UNREADABLE.sub("", html.unescape(text))
    masked = _HANDLE.sub("@user", _LINK.sub("http", unicodedata.normalize("NFC", readable)))
    return " ".join(masked.split())[:MAX_CHARACTERS].rstrip()
