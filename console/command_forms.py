"""What callers may ask for: the actions of `schemas/desk_records.py` and `schemas/incident_records.py`, strictly."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, get_args

from pydantic import Field, RootModel, create_model, model_validator

from schemas.desk_records import Action
from schemas.incident_records import IncidentAction
from schemas.record_fields import without_nul

KINDS: Final = (*get_args(Action), *get_args(IncidentAction))
NAMES: Final = tuple(str(kind.model_fields["do"].default) for kind in KINDS)
"""What `do` may be."""


def require_no_nul(value: Any) -> None:
    """Raises ValueError if a text in it holds a NUL."""
    if isinstance(value, str):
        without_nul(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        require_no_nul(item)


if TYPE_CHECKING:
    _Strict: TypeAlias = Action
    _StrictOfIncident: TypeAlias = IncidentAction
else:  # a word that is misspelt would change what is done

    def _strict(actions: Any) -> Any:
        kinds = get_args(actions)
        return reduce(
            or_, [create_model(kind.__name__, __base__=kind, __cls_kwargs__={"extra": "forbid"}) for kind in kinds]
        )

    _Strict, _StrictOfIncident = _strict(Action), _strict(IncidentAction)


class CommandForm(RootModel[Annotated[_Strict, Field(discriminator="do")]]):
    """One of the actions; `do` says which."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_with_nul(cls, value: Any) -> Any:
        require_no_nul(value)
        return value


class IncidentCommandForm(RootModel[Annotated[_StrictOfIncident, Field(discriminator="do")]]):
    """One of the actions; `do` says which."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_with_nul(cls, value: Any) -> Any:
        require_no_nul(value)
        return value


EXAMPLES: Final[dict[str, Any]] = {
    "claim": {"summary": "Hold the conversation alone", "value": {"do": "claim"}},
    "reply": {
        "summary": "Answer in public, with the token of one's claim",
        "value": {
            "do": "reply",
            "token": "de48f6bb0f0a4a2c8f0b5d5a4c7d5f10",
            "last_inbound": "8a8d1f0c2b7e4d6f9a3b5c7d9e1f2a4b",
            "text": "It is on its way.",
        },
    },
    "note": {"summary": "Leave a note for the desk", "value": {"do": "note", "text": "Called; calls back on Monday."}},
    "snooze": {"summary": "Let it rest", "value": {"do": "snooze", "until": "2026-03-04T08:00:00Z"}},
}
INCIDENT_EXAMPLES: Final[dict[str, Any]] = {
    "confirm": {"summary": "It is an incident", "value": {"do": "confirm"}},
    "dismiss": {"summary": "It is none", "value": {"do": "dismiss", "reason": "Two who ask the same."}},
    "state": {"summary": "Draft what all are told", "value": {"do": "state", "text": "We know, and are on it."}},
    "approve": {"summary": "Send it", "value": {"do": "approve", "statement": "cbf37abec5a075842ac66ccaf67c8fa2"}},
    "close": {"summary": "It is over", "value": {"do": "close"}},
}
