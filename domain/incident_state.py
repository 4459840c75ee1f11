"""How one incident is kept: behind the head (`domain/state_head.py`) as MessagePack."""

from enum import IntEnum
from typing import Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.msgpack import Decoder, Encoder

from domain.state_head import NEVER, PERSON, SIZE, StateError, head
from schemas.record_fields import MentionType

VERSION: Final = 1


class Kind(IntEnum):
    INCIDENT = 1
    PERSON = PERSON


class Status(IntEnum):
    PROPOSED = 0
    CONFIRMED = 1
    DISMISSED = 2
    CLOSED = 3


class Reached(IntEnum):
    """How far the statement has come to a member."""

    NOT_YET = 0
    SENT = 1
    """The desk has been asked, and has not answered."""
    ACCEPTED = 2
    ANSWERED = 3
    SKIPPED = 4


class Member(Struct, array_like=True):
    conversation: str
    mention: str
    reached: int = Reached.NOT_YET


class Incident(Struct, array_like=True):
    """An empty string stands for none."""

    brand: str
    type: MentionType
    spike: str
    title: str
    policy: str
    status: int = Status.PROPOSED
    members: list[Member] = []
    statement: str = ""
    text: str = ""
    author: str = ""
    approved_by: str = ""
    answers: list[tuple[str, bytes]] = []
    """Commands, and what was told of each: the latest."""


_ENCODER: Final = Encoder()
_INCIDENTS: Final = Decoder(Incident)


def encode_incident(incident: Incident) -> bytes:
    return head(VERSION, Kind.INCIDENT, NEVER) + _ENCODER.encode(incident)


def decode_incident(state: bytes) -> Incident:
    """Raises StateError for bytes that are none."""
    try:
        return _INCIDENTS.decode(memoryview(state)[SIZE:])
    except (DecodeError, ValidationError) as error:
        raise StateError(f"an incident that cannot be read ({error}): rebuild the state from the log") from None
