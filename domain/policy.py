"""What the brand decides, as `policy.yaml` says it: types, teams, owners, targets, words, thresholds."""

import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from domain.business_time import elapsed
from domain.calendars import Calendar, expanded
from domain.desk_rules import ROLES, AssigningRules, ClaimRules, Escalations, ReplyRules, Roles
from domain.open_hours import DAY_MINUTES
from domain.policy_sections import (
    AnsweredType,
    Brands,
    DeskShares,
    IncidentRules,
    MentionTypes,
    PriorityRaises,
    Review,
    RiskRoute,
    RiskWords,
    Section,
    SpikeRules,
    TargetRule,
    Team,
    Text,
)
from domain.policy_source import PolicyError, PolicySource, told_refusals
from domain.risk_rules import RiskHit, RiskRules
from domain.targets import Promise, RiskLevel, offset, whole_minutes
from domain.working_time import ALWAYS_OPEN, WorkingTime, calendar_version
from schemas.records import MentionType, PolicyVersion, RiskFlag, Routing, Urgency

__all__ = ["Policy", "PolicyError", "parse_policy"]

HOLIDAYS_FROM: Final = 2010
HOLIDAYS_TO: Final = 2049
"""The years whose holidays go into a calendar's version, and so into every cycle that is counted in it."""
INFLUENCER: Final[RiskFlag] = "press_or_influencer"
_LONGEST_HOLIDAYS: Final = timedelta(days=14)


def _any(levels: tuple[RiskLevel, ...]) -> tuple[RiskLevel, ...]:
    """Pydantic's own check of the length would tell a wrong level twice."""
    if not levels:
        raise PydanticCustomError("too_short", "should have at least 1 item")
    return levels


def _opens_every_year(calendar: Calendar) -> Calendar:
    """A year whose every opening is a holiday would have targets that are never due."""
    for year in sorted({HOLIDAYS_FROM, *(day.year for day in calendar.holidays.extra)}):
        start = datetime(year, 1, 1, tzinfo=UTC)
        if not elapsed(calendar, start, start + timedelta(days=365)):
            raise PydanticCustomError("never_open", "has no open minute in {year}", {"year": year})
    return calendar


class _Targets(NamedTuple):
    """Minutes."""

    first_response: int
    next_response: int | None
    resolution: int | None


class Policy(Section):
    """Frozen and checked. Files that decide the same have the same `version`, however they are laid out."""

    brands: Annotated[Brands, Field(description="a list of brand names, or `brands: any`")]
    """None takes every brand."""
    review: Annotated[Review, Field(description="`share: 0.15`, or `tolerated_error: 0.1`")]
    at_risk: Annotated[
        tuple[RiskLevel, ...],
        AfterValidator(_any),
        Field(description="a list of levels, such as [{fraction: 0.75}]"),
    ]
    """When a target is at risk, in levels."""
    start_from: Annotated[
        Literal["posted", "received"], Field(description="`posted`, the time on the channel, or `received`")
    ] = "posted"
    reopen_days: Annotated[int, Field(strict=True, ge=0, le=7, description="whole days, 0 to 7")] = 5
    """How long after its resolution a message still belongs to the same case."""
    calendars: Annotated[
        dict[Text, Annotated[Calendar, AfterValidator(_opens_every_year)]],
        Field(default_factory=dict, description="a calendar that opens in every year, by its name"),
    ]
    teams: Annotated[dict[Text, Team], Field(min_length=1, description="each team by its key, with a name")]
    types: Annotated[MentionTypes, Field(description="all six types of mention")]
    risk_words: Annotated[tuple[RiskWords, ...], Field(description="a list of entries, each a flag and its words")]
    influencer_followers: Annotated[int, Field(strict=True, gt=0, description="a number of followers, such as 100000")]
    raise_priority: Annotated[PriorityRaises, Field(description="steps by cause")] = PriorityRaises()
    send_to: Annotated[tuple[RiskRoute, ...], Field(description="a list of entries: flag, team, owner")] = ()
    """The first whose flag a mention has decides who owns it; without any, its type does."""
    targets: Annotated[tuple[TargetRule, ...], Field(description="a list of entries: whom it fits, and minutes")] = ()
    """Exceptions from the targets of the types; of each target, the first that fits and names it decides."""
    desk: Annotated[
        DeskShares,
        Field(description="shares that are together less than 1, such as {review: 0.1, approval: 0.25}"),
    ] = DeskShares()
    """Of a response's minutes, for the targets within the desk."""
    spikes: Annotated[
        SpikeRules, Field(description="a window of whole hops, such as 15 and 5 minutes, and a baseline of days")
    ] = SpikeRules()

    incidents: Annotated[
        IncidentRules, Field(description="a share and a number, such as {similarity: 0.15, min_conversations: 5}")
    ] = IncidentRules()
    claims: Annotated[ClaimRules, Field(description="whole minutes, such as {claim_minutes: 15}")] = ClaimRules()
    replies: Annotated[ReplyRules, Field(description="whole seconds, such as {undo_seconds: 10}")] = ReplyRules()
    roles: Roles = Field(default_factory=lambda: dict(ROLES))
    escalations: Escalations = ()
    assigning: Annotated[AssigningRules, Field(description="a strategy, such as {strategy: least_loaded}")] = (
        AssigningRules()
    )

    @cached_property
    def version(self) -> str:
        """The first 16 hex digits of the BLAKE2b of the policy as JSON with sorted keys, holidays as dates."""
        plain = self.model_dump(mode="json") | {
            "calendars": {name: calendar.model_dump(mode="json") for name, calendar in self._expanded.items()}
        }
        canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return blake2b(canonical.encode()).hexdigest()[:16]

    @cached_property
    def calendar_versions(self) -> dict[str, Calendar]:
        """By content hash, the calendars with their holidays as dates."""
        return {calendar_version(calendar): calendar for calendar in self._expanded.values()}

    @cached_property
    def _expanded(self) -> dict[str, Calendar]:
        return {
            name: expanded(calendar, HOLIDAYS_FROM, HOLIDAYS_TO) for name, calendar in sorted(self.calendars.items())
        }

    @cached_property
    def time(self) -> WorkingTime:
        """Counts in the policy's own calendars."""
        return WorkingTime(self.calendar_versions.get)

    @cached_property
    def answers(self) -> dict[MentionType, Routing]:
        """Who answers each type. Types that nobody answers (spam) are absent."""
        rules = self.types.rules()
        return {type_: self._answer(type_, rule) for type_, rule in rules if isinstance(rule, AnsweredType)}

    def promise(self, type_: MentionType, team: str, priority: int) -> Promise:
        """What is owed to such a mention. Raises KeyError for a type that nobody answers."""
        found = self._promises.get((type_, team, priority))
        if found is None:
            found = self._promises[(type_, team, priority)] = self._promise(type_, team, priority)
        return found

    @cached_property
    def _promises(self) -> dict[tuple[MentionType, str, int], Promise]:
        return {}

    def _promise(self, type_: MentionType, team: str, priority: int) -> Promise:
        minutes, calendar = self._targets(type_, team, priority), self.teams[team].calendar
        return Promise(
            calendar if calendar == ALWAYS_OPEN else calendar_version(self._expanded[calendar]),
            minutes.first_response,
            offset(minutes.first_response, self.at_risk),
            None if minutes.next_response is None else offset(minutes.next_response, self.at_risk),
            None
            if minutes.resolution is None
            else whole_minutes("resolution", offset(minutes.resolution, self.at_risk)),
            self.reopen_days,
        )

    def _targets(self, type_: MentionType, team: str, priority: int) -> _Targets:
        rule = dict(self.types.rules())[type_]
        if not isinstance(rule, AnsweredType):
            raise KeyError(type_)
        fitting = [*(found for found in self.targets if found.fits(type_, team, priority)), rule]
        first, following, resolution = (
            next((minutes for found in fitting if (minutes := getattr(found, f"{name}_minutes")) is not None), None)
            for name in _Targets._fields
        )
        assert first is not None
        return _Targets(first, following, resolution)

    def longest_wait(self) -> timedelta:
        """No response is due later after its start, however seldom its calendar is open, by a rough upper bound."""
        rules: list[AnsweredType | TargetRule] = [
            rule for _, rule in self.types.rules() if isinstance(rule, AnsweredType)
        ]
        rules += self.targets
        named = ((found.first_response_minutes, found.next_response_minutes) for found in rules)
        longest = timedelta(minutes=max(minutes for pair in named for minutes in pair if minutes is not None))
        seldom = max((_closed_share(calendar) for calendar in self.calendars.values()), default=1.0)
        return longest * seldom + (_LONGEST_HOLIDAYS if self.calendars else timedelta())

    def record(self) -> PolicyVersion:
        """What the topic `policies` keeps of it."""
        calendars = {name: found.model_dump(mode="json") for name, found in self.calendar_versions.items()}
        return PolicyVersion(id=self.version, policy=self.model_dump(mode="json"), calendars=calendars)

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

    def _answer(self, type_: MentionType, rule: AnsweredType) -> Routing:
        return Routing(
            team=rule.team,
            owner=rule.owner,
            priority=rule.priority,
            first_response_minutes=self.promise(type_, rule.team, rule.priority).first_response_minutes,
            policy=self.version,
            reason=f"{type_} is answered by {self.teams[rule.team].name}",
        )


def parse_policy(text: str, name: str) -> Policy:
    """The policy in a YAML text. `name` is what problems call the file.

    Raises PolicyError, whose text lists every problem, a line each: `policy.yaml:12: types.spam: what; hint`.
    """
    source = PolicySource(text, name)
    problems = source.repeated_keys()
    try:
        policy = Policy.model_validate(source.data, context=_names(source.data))
    except ValidationError as error:
        problems += source.refusals(error, Policy)
    if problems:
        raise PolicyError.of(problems, name)
    return policy


def restored_policy(data: dict[str, Any]) -> Policy:
    """The policy that a `PolicyVersion` keeps. Raises PolicyError if this program can't read it."""
    plain = data | ({"brands": "any"} if data.get("brands") is None else {})
    try:
        return Policy.model_validate(plain, context=_names(plain))
    except ValidationError as error:
        raise PolicyError("; ".join(told_refusals(error, Policy))) from None


def _closed_share(calendar: Calendar) -> float:
    """A week's minutes to those of them that are open, overlaps counted twice."""
    spans = [interval for day in calendar.open.intervals() for interval in day]
    return max(1.0, 7 * DAY_MINUTES / sum(span.closes - span.opens for span in spans))


def _names(data: object) -> dict[str, list[str]]:
    """What may be referred to, so that a reference to nothing is told where it stands."""
    return {part: _keys(data, part) for part in ("teams", "calendars", "roles")}


def _keys(data: object, part: str) -> list[str]:
    found = data.get(part) if isinstance(data, dict) else None
    return [str(key) for key in found] if isinstance(found, dict) else []
