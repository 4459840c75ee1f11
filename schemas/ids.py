"""Ids and keys that derive from causes, so that a repeat is recognised."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final
from urllib.parse import quote, unquote

ID_BYTES = 16
INCIDENT: Final = "incident:"
_UNRESERVED: Final = re.compile("[A-Za-z0-9_.~-]*")


def derive_id(*cause: str) -> str:
    """128-bit BLAKE2b of the cause's parts, as 32 hex digits.

    Parts are length-prefixed: ("ab", "c") is not ("a", "bc").
    """
    text = ""
    for part in cause:
        text += f"{len(part)}:{part}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).hexdigest()


def conversation_key(brand: str, channel: str, thread: str) -> str:
    """`brand:channel:thread`, each part percent-encoded, so that the parts can be told apart."""
    if _UNRESERVED.fullmatch(brand + channel + thread):  # nearly always, and four times as fast
        return f"{brand}:{channel}:{thread}"
    return f"{quote(brand, safe='')}:{quote(channel, safe='')}:{quote(thread, safe='')}"


def conversation_parts(key: str) -> tuple[str, str, str]:
    """The (brand, channel, thread) of a conversation key. Raises ValueError if it has not three parts."""
    brand, channel, thread = key.split(":")
    return unquote(brand), unquote(channel), unquote(thread)


def brand_of(key: str) -> str:
    """The brand of a conversation key."""
    return unquote(key.partition(":")[0])


def incident_key(incident: str) -> str:
    """The key of an incident's records."""
    return f"{INCIDENT}{incident}"


def incident_command_id(incident: str, what: str, *cause: str) -> str:
    """Of a command that an incident gives the desk: it says which incident wants to know the answer."""
    return f"{INCIDENT}{incident}:{what}:{derive_id(*cause)}"


def incident_of_command(command: str) -> str | None:
    """The incident that gave the command; None for any other command."""
    parts = command.split(":")
    return parts[1] if len(parts) == 4 and command.startswith(INCIDENT) else None


def mention_id(brand: str, channel: str, post: str) -> str:
    """Id of a mention, from the post itself: taken in twice, by whatever way, it has the same id."""
    return derive_id("mention", brand, channel, post)


def public_reply_id(brand: str, channel: str, post: str) -> str:
    """Id of a reply that the brand posted in public, from the post itself."""
    return derive_id("public_reply", brand, channel, post)
