"""People as their file says them, checked against the policy: roles, teams and calendars that it has."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.calendars import OpenWeek, TimeZone
from domain.desk_rules import RoleName
from domain.policy import Policy
from domain.policy_sections import CalendarName, Section, TeamName, Text
from domain.policy_source import PolicyError, PolicySource, Problem
from schemas.desk_records import Person
from schemas.record_fields import Instant, Language, MentionType

MAX_CAPACITY: Final = 10_000


class PeopleError(PolicyError):
    """A list of people that is refused. Its text has a line a problem: `file:line: [0].role: what is wrong; hint`."""


def _time(value: object) -> object:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, datetime) or found.utcoffset() is None:
        raise PydanticCustomError("time", "{found} is no time with an offset", {"found": f"{value!s:.60}"})
    return found


Time = Annotated[Instant, BeforeValidator(_time), Field(description="a time such as 2026-12-24T00:00:00+01:00")]


def _known_skill(skill: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("skills", [skill])
    if skill not in known:
        raise PydanticCustomError("unknown_skill", "there is no skill '{skill}'", {"skill": skill, "known": known})
    return skill


Skill = Annotated[Text, AfterValidator(_known_skill)]


class AwayEntry(Section):
    since: Time
    until: Time

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.until <= self.since:
            raise PydanticCustomError("away", "ends before it starts")
        return self


class ShiftEntry(Section):
    calendar: Annotated[CalendarName | None, Field(description="a name from the policy's `calendars`")] = None
    timezone: Annotated[TimeZone | None, Field(description="an IANA time zone, such as Europe/Berlin")] = None
    open: Annotated[
        OpenWeek | None, Field(description="each day with its intervals, such as {mon: ['09:00-17:00']}")
    ] = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        own = (self.timezone is not None, self.open is not None)
        if own not in ((True, True), (False, False)) or own[0] == (self.calendar is not None):
            raise PydanticCustomError("one_of", "should say either calendar, or timezone and open")
        return self


def _named(value: object) -> object:
    return {"calendar": value} if isinstance(value, str) else value


class PersonEntry(Section):
    """A field's description is the hint of its refusal."""

    record: Literal["person"] = "person"
    version: Literal[1] = 1
    id: Annotated[Text, Field(description="a name that never changes, such as agent-1")]
    name: Annotated[Text, Field(description="the name as people read it")]
    role: Annotated[RoleName, Field(description="a key of the policy's `roles`")]
    teams: Annotated[tuple[TeamName, ...], Field(description="a list of names from the policy's `teams`")] = ()
    active: Annotated[bool, Field(strict=True, description="true, or false for somebody who has left")] = True
    capacity: Annotated[
        int | None, Field(strict=True, ge=0, le=MAX_CAPACITY, description="a number of conversations, such as 20")
    ] = None
    skills: Annotated[
        tuple[Skill, ...], Field(description="a list of types of mention, and of words of the policy")
    ] = ()
    languages: Annotated[tuple[Language, ...], Field(description="a list of ISO 639 codes, such as [en, de]")] = ()
    shift: Annotated[
        ShiftEntry | None,
        BeforeValidator(_named),
        Field(description="a name from the policy's `calendars`, or {timezone: ..., open: ...}"),
    ] = None
    away: Annotated[tuple[AwayEntry, ...], Field(description="a list of absences, each with since and until")] = ()

    def person(self) -> Person:
        return Person.model_validate(self.model_dump())


_PEOPLE: Final = TypeAdapter(tuple[PersonEntry, ...])


class GivenPerson(NamedTuple):
    """A person, and which of their fields the file says."""

    person: Person
    said: frozenset[str]


def parse_people(text: str, name: str, policy: Policy) -> list[GivenPerson]:
    """The people of a YAML or JSON list. `name` is what problems call the file.

    Raises PeopleError, whose text lists every problem, a line each.
    """
    source = _source(text, name)
    problems = source.repeated_keys()
    try:
        entries = _PEOPLE.validate_python(source.data, context=_names(policy))
    except ValidationError as error:
        raise PeopleError.of([*problems, *source.refusals(error, PersonEntry)], name) from None
    problems += _twice(entries, source)
    if problems:
        raise PeopleError.of(problems, name)
    return [GivenPerson(entry.person(), frozenset(entry.model_fields_set)) for entry in entries]


def _source(text: str, name: str) -> PolicySource:
    try:
        source = PolicySource(text, name, "a list of people")
    except PolicyError as error:
        raise PeopleError(str(error)) from None
    if not isinstance(source.data, list):
        what = "should be a list of people"
        raise PeopleError.of([Problem(1, "", what, "begin each person with a dash, such as `- id: agent-1`")], name)
    return source


def _twice(entries: Sequence[PersonEntry], source: PolicySource) -> Iterator[Problem]:
    lines: dict[str, int] = {}
    for number, entry in enumerate(entries):
        line = source.line_of([number, "id"])
        if entry.id in lines:
            yield Problem(line, f"[{number}].id", f"is that of the person on line {lines[entry.id]}", "keep one")
        lines.setdefault(entry.id, line)


def _names(policy: Policy) -> dict[str, list[str]]:
    """What may be referred to."""
    words = {need.skill for need in policy.assigning.needs}
    return {
        "teams": list(policy.teams),
        "calendars": list(policy.calendars),
        "roles": list(policy.roles),
        "skills": [*get_args(MentionType), *sorted(words)],
    }
