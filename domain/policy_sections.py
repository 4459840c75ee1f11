"""The sections of `policy.yaml`: what each may say, and the hint of its refusal."""

from typing import Annotated, Final, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.targets import Minutes
from domain.word_index import is_symbol, is_word_character
from domain.working_time import ALWAYS_OPEN
from schemas.records import DeskTarget, MentionType, RiskFlag, Urgency

MAX_WINDOW_MINUTES: Final = 1440
"""A day: a longer window would tell a spike when everybody knows."""
MAX_BASELINE_MINUTES: Final = 28 * 1440
"""Four weeks of counts are kept at most."""


def _brands(value: object) -> object:
    if value == "any":
        return None
    if not isinstance(value, list):
        raise PydanticCustomError("brands", "should be a list of names or the word any")
    return value


def _content_word(word: str) -> str:
    if is_symbol(word) or any(map(is_word_character, word)):
        return word
    raise PydanticCustomError("content_word", "has neither letter nor digit, and is more than one symbol")


def _known_team(team: str, info: ValidationInfo) -> str:
    teams = (info.context or {}).get("teams", [team])
    if team not in teams:
        raise PydanticCustomError("unknown_team", "there is no team '{team}'", {"team": team, "known": sorted(teams)})
    return team


def _known_calendar(calendar: str, info: ValidationInfo) -> str:
    calendars = (info.context or {}).get("calendars", [calendar])
    if calendar not in calendars and calendar != ALWAYS_OPEN:
        known = {"team": calendar, "known": sorted([*calendars, ALWAYS_OPEN])}
        raise PydanticCustomError("unknown_calendar", "there is no calendar '{team}'", known)
    return calendar


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
TeamName = Annotated[Text, AfterValidator(_known_team)]
CalendarName = Annotated[Text, AfterValidator(_known_calendar)]
Word = Annotated[Text, AfterValidator(_content_word)]
Brands = Annotated[
    Annotated[frozenset[Text], Field(min_length=1), PlainSerializer(sorted)] | None, BeforeValidator(_brands)
]


class Section(BaseModel):
    """A field's description is the hint of its refusal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Team(Section):
    name: Annotated[Text, Field(description="the name as people read it, such as Customer support")]
    calendar: Annotated[CalendarName, Field(description="a name from `calendars`, or 24x7")] = ALWAYS_OPEN


class AnsweredType(Section):
    urgency: Annotated[Urgency, Field(description="how pressing the type is")]
    priority: Annotated[int, Field(strict=True, ge=1, le=5, description="a whole number, 1 (first) to 5")]
    first_response_minutes: Annotated[Minutes, Field(description="whole minutes, such as 120 for two hours")]
    next_response_minutes: Annotated[Minutes | None, Field(description="whole minutes, such as 120")] = None
    """Without it, a later message of this type asks for no answer."""
    resolution_minutes: Annotated[Minutes | None, Field(description="whole minutes, such as 4320")] = None
    team: Annotated[TeamName, Field(description="a name from `teams`")]
    owner: Annotated[Text, Field(description="the queue that holds the mention, such as support-queue")]


class UnansweredType(Section):
    urgency: Annotated[Urgency, Field(description="how pressing the type is")]


class MentionTypes(Section):
    customer_complaint: AnsweredType
    product_question: AnsweredType
    sales_inquiry: AnsweredType
    positive_feedback: AnsweredType
    general_conversation: AnsweredType
    spam: UnansweredType

    def rules(self) -> list[tuple[MentionType, AnsweredType | UnansweredType]]:
        return [(type_, getattr(self, type_)) for type_ in get_args(MentionType)]


class RiskWords(Section):
    flag: Annotated[RiskFlag, Field(description="the risk that the words raise")]
    words: Annotated[
        tuple[Word, ...],
        Field(min_length=1, description="a list of words and phrases, such as [lawyer, legal action]"),
    ]
    exceptions: Annotated[tuple[Word, ...], Field(description="phrases in which a word means something else")] = ()


class Review(Section):
    """How many mentions people look at again: by share of all, or by the errors tolerated among the rest."""

    share: Annotated[
        float | None, Field(strict=True, ge=0, le=1, description="a share of all mentions, such as 0.15")
    ] = None
    tolerated_error: Annotated[
        float | None, Field(strict=True, ge=0, le=1, description="a share of the mentions not looked at, such as 0.1")
    ] = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.share is None) == (self.tolerated_error is None):
            raise PydanticCustomError("one_of", "should say either share or tolerated_error")
        return self


class PriorityRaises(Section):
    """By how many steps each raises the priority of a routed mention; 1 is the most pressing and the limit."""

    negative_sentiment: Annotated[int, Field(strict=True, ge=0, le=4, description="steps, 0 to 4")] = 0
    verified_author: Annotated[int, Field(strict=True, ge=0, le=4, description="steps, 0 to 4")] = 0
    risk_flags: Annotated[
        dict[RiskFlag, Annotated[int, Field(strict=True, ge=0, le=4)]],
        Field(description="steps for each flag, such as {safety: 4}"),
    ] = {}


class RiskRoute(Section):
    flag: Annotated[RiskFlag, Field(description="the risk flag that sends a mention there")]
    team: Annotated[TeamName, Field(description="a name from `teams`")]
    owner: Annotated[Text, Field(description="the queue that holds the mention, such as pr-leads")]


class TargetRule(Section):
    """Other targets for the mentions that fit: of the type, the team, and at least as pressing as the priority."""

    type: Annotated[MentionType | None, Field(description="a type of mention")] = None
    team: Annotated[TeamName | None, Field(description="a name from `teams`")] = None
    priority: Annotated[int | None, Field(strict=True, ge=1, le=5, description="a whole number, 1 to 5")] = None
    first_response_minutes: Annotated[Minutes | None, Field(description="whole minutes, such as 30")] = None
    next_response_minutes: Annotated[Minutes | None, Field(description="whole minutes, such as 30")] = None
    resolution_minutes: Annotated[Minutes | None, Field(description="whole minutes, such as 480")] = None

    def fits(self, type_: MentionType, team: str, priority: int) -> bool:
        return (
            self.type in (None, type_)
            and self.team in (None, team)
            and (self.priority is None or priority <= self.priority)
        )


class DeskShares(Section):
    """How much of a response's minutes the desk's own targets may take: what is left is for the answer itself."""

    review: Annotated[
        float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False, description="a share of the minutes, such as 0.1")
    ] = 0.1
    approval: Annotated[
        float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False, description="a share of the minutes, such as 0.25")
    ] = 0.25
    escalation_ack: Annotated[
        float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False, description="a share of the minutes, such as 0.25")
    ] = 0.25

    @model_validator(mode="after")
    def _leaves_time_to_answer(self) -> Self:
        # To the billionth: 0.2 + 0.3 + 0.5 must not depend on how floats are added.
        if round(self.review + self.approval + self.escalation_ack, 9) >= 1:
            raise PydanticCustomError("shares", "has shares that together leave no time for the answer")
        return self

    def share(self, target: DeskTarget) -> float:
        """Of the parent's minutes, above 0 and below 1."""
        found: float = getattr(self, target)
        return found


class IncidentRules(Section):
    """When conversations inside a spike are proposed as one incident."""

    similarity: Annotated[
        float,
        Field(strict=True, gt=0, le=1, allow_inf_nan=False, description="a share of pairs of words, such as 0.15"),
    ] = 0.15
    """So large a share of the pairs of words of two texts must be in both."""
    min_conversations: Annotated[int, Field(strict=True, ge=2, description="a number of conversations, such as 5")] = 5


class SpikeRules(Section):
    """When a window has so many more mentions of a kind than the windows before that somebody should know."""

    window_minutes: Annotated[
        int, Field(strict=True, ge=1, le=MAX_WINDOW_MINUTES, description="whole minutes, such as 15")
    ] = 15
    hop_minutes: Annotated[
        int, Field(strict=True, ge=1, description="whole minutes that divide the window, such as 5")
    ] = 5
    """From the end of a window to the end of the next."""
    baseline_windows: Annotated[int, Field(strict=True, ge=2, description="a number of windows, such as 96")] = 96
    """The windows right before, end to end: together, what is usual."""
    min_count: Annotated[int, Field(strict=True, ge=2, description="a number of mentions, such as 10")] = 10
    ratio: Annotated[
        float, Field(strict=True, gt=1, le=1000, allow_inf_nan=False, description="a factor above 1, such as 3.0")
    ] = 3.0
    chance: Annotated[float, Field(strict=True, gt=0, lt=1, description="a probability, such as 0.000001")] = 1e-6
    """Told is only what chance alone would bring to so small a share of windows."""
    grace_minutes: Annotated[
        int, Field(strict=True, ge=0, le=MAX_WINDOW_MINUTES, description="whole minutes, such as 2")
    ] = 2
    """How long a window waits for mentions that reach us later than they were posted."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window_minutes % self.hop_minutes:
            raise PydanticCustomError("hop", "has a window that is not a whole number of hops")
        if self.window_minutes * self.baseline_windows > MAX_BASELINE_MINUTES:
            raise PydanticCustomError("baseline", "has a baseline longer than four weeks")
        return self
