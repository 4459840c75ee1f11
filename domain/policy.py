"""What the brand decides, as `policy.yaml` says it: types, teams, owners, targets, words, thresholds."""

import json
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Final, NamedTuple, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.policy_source import PolicyError, PolicySource
from domain.risk_rules import RiskHit, RiskRules
from domain.word_index import is_symbol, is_word_character
from schemas.records import MentionType, RiskFlag, Routing, Urgency

__all__ = ["Answer", "Policy", "PolicyError", "parse_policy"]

MAX_TARGET_MINUTES: Final = 43_200
"""Thirty days: no promise is longer, and a slip of the keyboard is."""
MAX_WINDOW_MINUTES: Final = 1440
"""A day: a longer window would tell a spike when everybody knows."""
MAX_BASELINE_MINUTES: Final = 28 * 1440
"""Four weeks of counts are kept at most."""
INFLUENCER: Final[RiskFlag] = "press_or_influencer"


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


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
TeamName = Annotated[Text, AfterValidator(_known_team)]
Word = Annotated[Text, AfterValidator(_content_word)]
Brands = Annotated[
    Annotated[frozenset[Text], Field(min_length=1), PlainSerializer(sorted)] | None, BeforeValidator(_brands)
]


class _Section(BaseModel):
    """A field's description is the hint of its refusal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Team(_Section):
    name: Annotated[Text, Field(description="the name as people read it, such as Customer support")]


class AnsweredType(_Section):
    urgency: Annotated[Urgency, Field(description="how pressing the type is")]
    priority: Annotated[int, Field(strict=True, ge=1, le=5, description="a whole number, 1 (first) to 5")]
    first_response_minutes: Annotated[
        int,
        Field(strict=True, gt=0, le=MAX_TARGET_MINUTES, description="whole minutes, such as 120 for two hours"),
    ]
    team: Annotated[TeamName, Field(description="a name from `teams`")]
    owner: Annotated[Text, Field(description="the queue that holds the mention, such as support-queue")]


class UnansweredType(_Section):
    urgency: Annotated[Urgency, Field(description="how pressing the type is")]


class MentionTypes(_Section):
    customer_complaint: AnsweredType
    product_question: AnsweredType
    sales_inquiry: AnsweredType
    positive_feedback: AnsweredType
    general_conversation: AnsweredType
    spam: UnansweredType

    def rules(self) -> list[tuple[MentionType, AnsweredType | UnansweredType]]:
        return [(type_, getattr(self, type_)) for type_ in get_args(MentionType)]


class RiskWords(_Section):
    flag: Annotated[RiskFlag, Field(description="the risk that the words raise")]
    words: Annotated[
        tuple[Word, ...],
        Field(min_length=1, description="a list of words and phrases, such as [lawyer, legal action]"),
    ]
    exceptions: Annotated[tuple[Word, ...], Field(description="phrases in which a word means something else")] = ()


class Review(_Section):
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


class PriorityRaises(_Section):
    """By how many steps each raises the priority of a routed mention; 1 is the most pressing and the limit."""

    negative_sentiment: Annotated[int, Field(strict=True, ge=0, le=4, description="steps, 0 to 4")] = 0
    verified_author: Annotated[int, Field(strict=True, ge=0, le=4, description="steps, 0 to 4")] = 0
    risk_flags: Annotated[
        dict[RiskFlag, Annotated[int, Field(strict=True, ge=0, le=4)]],
        Field(description="steps for each flag, such as {safety: 4}"),
    ] = {}


class RiskRoute(_Section):
    flag: Annotated[RiskFlag, Field(description="the risk flag that sends a mention there")]
    team: Annotated[TeamName, Field(description="a name from `teams`")]
    owner: Annotated[Text, Field(description="the queue that holds the mention, such as pr-leads")]


class SpikeRules(_Section):
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


class Answer(NamedTuple):
    """Who answers a type, and the spans of its first-response target, counted from the start."""

    routing: Routing
    at_risk_after: timedelta
    due_after: timedelta


class Policy(_Section):
    """Frozen and checked. Files that decide the same have the same `version`, however they are laid out."""

    brands: Annotated[Brands, Field(description="a list of brand names, or `brands: any`")]
    """None takes every brand."""
    review: Annotated[Review, Field(description="`share: 0.15`, or `tolerated_error: 0.1`")]
    at_risk_fraction: Annotated[
        float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False, description="a fraction, such as 0.75")
    ]
    teams: Annotated[dict[Text, Team], Field(min_length=1, description="each team by its key, with a name")]
    types: Annotated[MentionTypes, Field(description="all six types of mention")]
    risk_words: Annotated[tuple[RiskWords, ...], Field(description="a list of entries, each a flag and its words")]
    influencer_followers: Annotated[int, Field(strict=True, gt=0, description="a number of followers, such as 100000")]
    raise_priority: Annotated[PriorityRaises, Field(description="steps by cause")] = PriorityRaises()
    send_to: Annotated[tuple[RiskRoute, ...], Field(description="a list of entries: flag, team, owner")] = ()
    """The first whose flag a mention has decides who owns it; without any, its type does."""
    spikes: Annotated[
        SpikeRules, Field(description="a window of whole hops, such as 15 and 5 minutes, and a baseline of days")
    ] = SpikeRules()

    @cached_property
    def version(self) -> str:
        """The first 16 hex digits of the BLAKE2b of the policy as JSON with sorted keys."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return blake2b(canonical.encode()).hexdigest()[:16]

    @cached_property
    def answers(self) -> dict[MentionType, Answer]:
        """Who answers each type and how soon. Types that nobody answers (spam) are absent."""
        rules = self.types.rules()
        return {type_: self._answer(type_, rule) for type_, rule in rules if isinstance(rule, AnsweredType)}

    @cached_property
    def urgencies(self) -> dict[MentionType, Urgency]:
        return {type_: rule.urgency for type_, rule in self.types.rules()}

    def risk_flags(self, text: str, followers: int | None = None) -> tuple[RiskFlag, ...]:
        """The risks that the words of the text or the number of followers raise, sorted."""
        flags = self._risks.flags(text)
        if followers is not None and followers >= self.influencer_followers:
            return tuple(sorted({*flags, INFLUENCER}))
        return flags

    def risk_hits(self, text: str) -> list[RiskHit]:
        """The words of the text that raise risks."""
        return self._risks.hits(text)

    @cached_property
    def _risks(self) -> RiskRules:
        """The words, indexed once a policy."""
        return RiskRules([(entry.flag, entry.words, entry.exceptions) for entry in self.risk_words])

    def takes(self, brand: str) -> bool:
        return self.brands is None or brand in self.brands

    def _answer(self, type_: MentionType, rule: AnsweredType) -> Answer:
        due_after = timedelta(minutes=rule.first_response_minutes)
        routing = Routing(
            team=rule.team,
            owner=rule.owner,
            priority=rule.priority,
            first_response_minutes=rule.first_response_minutes,
            policy=self.version,
            reason=f"{type_} is answered by {self.teams[rule.team].name}",
        )
        return Answer(routing, due_after * self.at_risk_fraction, due_after)


def parse_policy(text: str, name: str) -> Policy:
    """The policy in a YAML text. `name` is what problems call the file.

    Raises PolicyError, whose text lists every problem, a line each: `policy.yaml:12: types.spam: what; hint`.
    """
    source = PolicySource(text, name)
    problems = source.repeated_keys()
    try:
        policy = Policy.model_validate(source.data, context={"teams": _team_keys(source.data)})
    except ValidationError as error:
        problems += source.refusals(error, Policy)
    if problems:
        raise PolicyError.of(problems, name)
    return policy


def _team_keys(data: object) -> list[str]:
    teams = data.get("teams") if isinstance(data, dict) else None
    return [str(key) for key in teams] if isinstance(teams, dict) else []
