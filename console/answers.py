"""What commands are answered with: by the desk, or by the stage of incidents."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from schemas.desk_events import DeskAnswer
from schemas.desk_records import DeskCommand
from schemas.ids import incident_key
from schemas.incident_records import IncidentChanged, IncidentCommand
from streams.topics import DESK_INBOX, INCIDENT_INBOX

Command = DeskCommand | IncidentCommand
Answer = Annotated[DeskAnswer | IncidentChanged, Field(discriminator="record")]
ANSWERS: Final[TypeAdapter[DeskAnswer | IncidentChanged]] = TypeAdapter(Answer)
"""As the read model keeps them."""
STATUSES: Final = {
    "unknown_conversation": 404,
    "unknown_incident": 404,
    "unknown_person": 403,
    "unknown_role": 403,
    "not_allowed": 403,
}
"""Of codes; any other that refuses is 409."""


def subject_of(command: Command) -> str:
    """The key of what the command is about."""
    return command.conversation if isinstance(command, DeskCommand) else incident_key(command.incident)


def inbox_of(command: Command) -> str:
    """The topic on which it is given."""
    return DESK_INBOX.name if isinstance(command, DeskCommand) else INCIDENT_INBOX.name


def command_of(answer: Answer) -> str:
    """Id of the command; of what happened to an incident by itself, an id that is no command's."""
    return answer.command if isinstance(answer, DeskAnswer) else answer.cause


def is_accepted(answer: Answer) -> bool:
    return answer.accepted if isinstance(answer, DeskAnswer) else answer.kind != "refused"


def code_of(answer: Answer) -> str:
    return answer.code if isinstance(answer, DeskAnswer) else answer.code or "accepted"


def status_of(answer: Answer) -> int:
    """Of HTTP."""
    return 200 if is_accepted(answer) else STATUSES.get(code_of(answer), 409)
