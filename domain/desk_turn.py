"""One record's turn on a conversation of the desk: what all that can happen to it have in common."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from domain.desk_state import Conversation, Serving, Status
from domain.instants import from_ms, to_ms
from domain.policy import Policy
from domain.staff import Cover, Staff
from domain.working_time import ALWAYS_OPEN, WorkingTime
from schemas.desk_events import ChangeKind, ConversationChanged, ConversationStatus, DeskTold, ReplyToPublish
from schemas.desk_records import Label, Promised
from schemas.ids import derive_id
from schemas.record_fields import MAX_NAME_CHARACTERS, DeskTarget
from schemas.records import (
    TargetTimes,
    TimerCancel,
    TimerOwner,
    TimerStart,
    TimerStop,
    TimerSupersede,
)

DeskTimer = TimerStart | TimerStop | TimerCancel | TimerSupersede | TimerOwner
STATUS: Final[Mapping[int, ConversationStatus]] = {
    Status.OPEN: "open",
    Status.RESOLVED: "resolved",
    Status.SPAM: "spam",
}
MINUTE_MS: Final = 60_000


class Allotted(Protocol):
    """A target of the desk, ready for its timer start."""

    @property
    def started_at(self) -> datetime: ...

    @property
    def times(self) -> TargetTimes: ...


Budget = Callable[[DeskTarget, Serving, int, Policy], Allotted | None]
"""When a target of the desk is due that starts at the moment, as a part of the response that it serves."""


def _no_budget(target: DeskTarget, serving: Serving, at: int, policy: Policy) -> None:
    """Of a desk whose own targets have no clock."""


class Rules(NamedTuple):
    """What the desk decides by, beside the log of the conversation."""

    policy_of: Callable[[str], Policy]
    """By its version: a conversation goes by the policy that its latest mention was routed by. Raises LookupError."""
    time: WorkingTime
    people: Staff
    budget: Budget = _no_budget


class Step(NamedTuple):
    """What a record made of a conversation. If the state is the very one from before, nothing changed."""

    state: bytes | None
    events: list[DeskTold]
    timers: list[DeskTimer]

    @property
    def replies(self) -> list[ReplyToPublish]:
        """Those of the events that are for the public."""
        return [event for event in self.events if isinstance(event, ReplyToPublish)]


class DeskTurn:
    """The conversation, to be changed, and what comes of it. `at`: log time; `cause`: the record that it is due to."""

    def __init__(self, key: str, case: Conversation, at: int, cause: str, rules: Rules) -> None:
        self.key, self.case, self.at, self.cause, self.rules = key, case, at, cause, rules
        self.policy = rules.policy_of(case.policy)
        self.events: list[DeskTold] = []
        self.timers: list[DeskTimer] = []

    def moved_to(self, at: int, cause: str) -> None:
        """The same turn goes on at a later moment, for another cause."""
        self.at, self.cause = at, cause

    def tell(
        self,
        kind: ChangeKind,
        *,
        by: str = "",
        reason: str | None = None,
        reply: str | None = None,
        command: str = "",
        text: str | None = None,
        promises: tuple[Promised, ...] = (),
        label: Label | None = None,
    ) -> None:
        """Says what happened, with the conversation as it stands now."""
        case = self.case
        case.told = derive_id("conversation_changed", self.key, kind, self.cause)
        self.events.append(
            ConversationChanged(
                id=case.told,
                conversation=self.key,
                kind=kind,
                cause=self.cause,
                by=by or None,
                at=from_ms(self.at),
                reason=clipped(reason),
                status=STATUS[case.status],
                type=case.type,
                language=case.language,
                team=case.team,
                queue=case.queue,
                owner=case.owner or None,
                holder=case.claim.holder if case.claim is not None else None,
                priority=case.priority,
                last_inbound=case.last_inbound,
                waiting=case.waiting_since() is not None,
                in_review=case.in_review(),
                snoozed_until=None if case.snoozed_until is None else from_ms(case.snoozed_until),
                reply=reply,
                command=command or None,
                text=text,
                promises=promises,
                label=label,
            )
        )

    def own(self, owner: str) -> None:
        """Gives the conversation to a person; "" gives it back to its queue. The clock is told."""
        case = self.case
        if case.owner == owner:
            return
        case.owner, case.owned_since, case.owner_acted = owner, self.at, self.at
        self.tell_owner(on_shift=self.cover().there)

    def cover(self) -> Cover:
        """Whether anybody who could take it is on shift now."""
        return self.rules.people.cover(self.case.team, self.policy, self.at)

    def tell_owner(self, *, on_shift: bool) -> None:
        """Tells the clock who has it, and whether anybody could take it: why it was late depends on both."""
        owner, self.case.on_shift = self.case.owner, on_shift
        self.timers.append(
            TimerOwner(
                id=derive_id("timer_owner", self.key, owner, self.cause),
                conversation=self.key,
                owner=owner or None,
                on_shift=on_shift,
                since=from_ms(self.at),
            )
        )

    def start_timer(self, target: DeskTarget, mention: str) -> None:
        """Starts a target of the desk's own, if a response is owed that it is a part of."""
        served = self.case.served
        found = None if served is None else self.rules.budget(target, served, self.at, self.policy)
        if served is None or found is None:
            return
        self.timers.append(
            TimerStart(
                id=derive_id("timer_start", mention, target),
                conversation=self.key,
                target=target,
                mention=mention,
                brand=self.case.brand,
                type=self.case.type,
                team=self.case.team,
                started_at=found.started_at,
                at_risk_at=found.times.at_risk_at,
                at_risk_again=found.times.at_risk_again,
                due_at=found.times.due_at,
                policy=self.case.policy,
                calendar=served.calendar,
            )
        )

    def stop_timer(self, target: str, mention: str) -> None:
        self.timers.append(
            TimerStop.model_validate(
                {
                    "id": derive_id("timer_stop", self.key, target, mention, self.cause),
                    "conversation": self.key,
                    "target": target,
                    "mention": mention,
                    "stopped_at": from_ms(self.at),
                }
            )
        )

    def team_calendar(self) -> str:
        """The version of the calendar in which the team's minutes count."""
        case = self.case
        if case.type not in self.policy.answers or case.team not in self.policy.teams:  # the policy may be newer
            return ALWAYS_OPEN
        return self.policy.promise(case.type, case.team, case.priority).calendar


def clipped(reason: str | None) -> str | None:
    """As much of a sentence as a record takes: names in it may be long."""
    return None if reason is None else reason[:MAX_NAME_CHARACTERS]


def log_time(now: int | None, at: datetime) -> int:
    """The tick that was seen last; before the first, the record's own time."""
    return to_ms(at) if now is None else now
