"""A partition of `desk-inbox` in the words of a story: minutes, people, what the desk told of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from domain.desk import Desk, Said
from domain.desk_budget import shares_of_the_response
from domain.desk_turn import DeskTimer, Rules
from domain.policy import Policy
from domain.working_time import WorkingTime
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold, EscalationChanged, ReplyToPublish
from schemas.desk_records import (
    Action,
    Claim,
    DeskCommand,
    DeskInbound,
    Person,
    Promised,
    Reply,
)
from schemas.ids import derive_id
from schemas.outcomes import ReplyOutcome
from schemas.records import (
    MentionType,
    RiskFlag,
    SlaEvent,
    SlaEventKind,
    SlaTarget,
    Tick,
    TimerRespond,
)
from tests.domain.posts import policy
from tests.domain.timer_log import NOON, minute

POLICY = policy()
DELTA = "Delta:x:1"
TEAMS = {"customer_complaint": ("support", "support-queue"), "sales_inquiry": ("sales", "sales-queue")}
PEOPLE = (
    Person(id="ann", name="Ann", role="agent", teams=("support",)),
    Person(id="bob", name="Bob", role="agent", teams=("support",)),
    Person(id="lea", name="Lea", role="lead", teams=("support",)),
    Person(id="apu", name="Apu", role="approver"),
    Person(id="eve", name="Eve", role="read_only"),
    Person(id="gus", name="Gus", role="agent", active=False),
    Person(id="rex", name="Rex", role="wizard"),
    Person(id="assign_owners", name="Assigns owners", role="adviser"),
)
Entry = Said | Person | Tick


def inbound(
    mention: str = "m1",
    at: float = 0,
    *,
    conversation: str = DELTA,
    type_: MentionType = "customer_complaint",
    flags: tuple[RiskFlag, ...] = (),
    doubtful: bool = False,
    asks: bool = True,
    rules: Policy = POLICY,
) -> DeskInbound:
    """A message of the customer at a minute; one that doesn't ask is owed no answer if it isn't the first."""
    team, queue = TEAMS.get(type_, ("pr", "pr-queue"))
    spam = type_ == "spam"
    return DeskInbound(
        id=derive_id("desk_inbound", conversation, mention),
        conversation=conversation,
        mention=mention,
        brand="Delta",
        type=type_,
        sentiment="neutral",
        risk_flags=flags,
        needs_review=doubtful,
        team=team,
        queue=queue,
        priority=2,
        policy=rules.version,
        posted_at=minute(at),
        received_at=minute(at),
        due_at=None if spam else minute(at + 120),
        next_due_at=minute(at + 120) if asks and not spam else None,
    )


def verdict(
    kind: SlaEventKind, at: float, *, target: SlaTarget = "first_response", mention: str = "m1", due: float = 120
) -> SlaEvent:
    """What the clock says of the conversation at a minute."""
    return SlaEvent(
        id=derive_id("sla", kind, target, mention, str(at), str(due)),
        kind=kind,
        conversation=DELTA,
        target=target,
        cycle=f"cycle of {mention}",
        mention=mention,
        brand="Delta",
        type="customer_complaint",
        team="support",
        started_at=minute(0),
        due_at=minute(due),
        at=minute(at),
        policy=POLICY.version,
    )


def respond(at: float, reply: str = "elsewhere", *, automatic: bool = False) -> TimerRespond:
    """An answer in public, at a minute, by whatever way."""
    return TimerRespond(
        id=derive_id("timer_respond", reply),
        conversation=DELTA,
        reply=reply,
        responded_at=minute(at),
        automatic=automatic,
    )


def posted(at: float, reply: str) -> TimerRespond:
    """The desk's own reply has become public, at a minute."""
    public = f"public {reply}"
    return TimerRespond(
        id=derive_id("timer_respond", public),
        conversation=DELTA,
        reply=public,
        responded_at=minute(at),
        desk_reply=reply,
    )


def outcome(at: float, reply: str, result: Literal["refused", "uncertain"] = "refused") -> ReplyOutcome:
    """Word from publishing that a reply is not public, or may not be."""
    return ReplyOutcome(
        id=derive_id("reply_outcome", reply),
        conversation=DELTA,
        reply=reply,
        result=result,
        reason="the channel refused the reply with status 422",
        at=minute(at),
    )


def tick(at: float) -> Tick:
    return Tick(at=minute(at))


def refund(cents: int, currency: str = "EUR") -> Promised:
    return Promised(action="refund", amount=cents, currency=currency)


def new_desk(*versions: Policy) -> Desk:
    """One that knows these policies, the shipped one if none are named, and people only once they are folded."""
    policies = {known.version: known for known in versions or (POLICY,)}
    time = WorkingTime(POLICY.calendar_versions.get)
    return Desk(lambda people: Rules(policies.__getitem__, time, people, shares_of_the_response(time)))


def restarted(desk: Desk, state: dict[bytes, bytes | None], *versions: Policy) -> Desk:
    """The desk as another process finds it. `state` stands for the state topic, compacted; it is brought up to date."""
    state.update(desk.take_changes(with_tick=True))
    fresh = new_desk(*versions)
    for key, value in state.items():
        fresh.restore(key, value)
    fresh.restored()
    return fresh


@dataclass
class Story:
    """A desk with its people, to whom things happen; keeps all that was told."""

    desk: Desk = field(default_factory=new_desk)
    told: list[DeskTold] = field(default_factory=list)
    timers: list[DeskTimer] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.hear(*PEOPLE, tick(0))

    def hear(self, *log: Entry) -> list[DeskTold]:
        """Folds the records; gives what they made the desk tell."""
        told: list[DeskTold] = []
        for record in log:
            step = self.desk.fold(record)
            told += step.events
            self.timers += step.timers
        self.told += told
        return told

    def pass_time(self, until: float) -> list[DeskTold]:
        return self.hear(tick(until))

    def command(self, by: str, action: Action, id_: str = "", conversation: str = DELTA) -> DeskCommand:
        self.sent += 1
        assert self.desk.last_tick is not None
        return DeskCommand(
            id=id_ or f"c{self.sent}",
            conversation=conversation,
            by=by,
            sent_at=self.desk.last_tick + timedelta(milliseconds=self.sent),
            action=action,
        )

    def do(self, by: str, action: Action, id_: str = "") -> DeskAnswer:
        return answer_in(self.hear(self.command(by, action, id_)))

    def claim(self, by: str = "ann", id_: str = "") -> str:
        """Gives the token."""
        answer = self.do(by, Claim(), id_)
        assert answer.fence is not None
        assert answer.fence.token is not None, answer
        return answer.fence.token

    def reply(
        self,
        by: str,
        token: str,
        seen: str = "m1",
        *,
        promises: tuple[Promised, ...] = (),
        follows: str | None = None,
        text: str = "We are on it.",
    ) -> DeskAnswer:
        return self.do(by, Reply(token=token, last_inbound=seen, text=text, promises=promises, follows=follows))

    @property
    def published(self) -> list[ReplyToPublish]:
        return [event for event in self.told if isinstance(event, ReplyToPublish)]

    @property
    def now(self) -> ConversationChanged:
        """How the conversation stands, by what was told last."""
        return [event for event in self.told if isinstance(event, ConversationChanged)][-1]


def answer_in(told: Iterable[DeskTold]) -> DeskAnswer:
    (answer,) = [event for event in told if isinstance(event, DeskAnswer)]
    return answer


def kinds(told: Iterable[DeskTold]) -> list[str]:
    """What happened, in words; answers and publications left out."""
    named = [event for event in told if isinstance(event, ConversationChanged | EscalationChanged)]
    return [event.kind if isinstance(event, ConversationChanged) else f"escalation {event.kind}" for event in named]


def escalations(told: Iterable[DeskTold]) -> list[str]:
    """Steps of escalations, such as "legal_threat climbed to 2 at 30"."""
    return [
        f"{event.trigger} {event.kind} at {(event.at - NOON) / timedelta(minutes=1):g}, step {event.step}"
        for event in told
        if isinstance(event, EscalationChanged)
    ]


def timers(story: Story) -> list[str]:
    """What the clock is told, by the names of the records and their targets."""
    found = [(timer.record, getattr(timer, "target", "")) for timer in story.timers if timer.record != "timer_owner"]
    return [f"{record} {target}".strip() for record, target in found]
