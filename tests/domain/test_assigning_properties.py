"""The adviser beside the real desk: it lags, it restarts, people and customers do what they like."""

from __future__ import annotations

from collections import Counter, deque
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.assigning import ADVISER, Adviser, standing_after, standing_of
from domain.desk_state import Conversation, Kind, Status, decode_conversation
from domain.state_head import kind_of
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold
from schemas.desk_records import Action, Claim, DeskCommand, Person, Release, Reply, Resolve
from tests.domain.desk_log import POLICY, Entry, inbound, new_desk, tick
from tests.domain.timer_log import minute

STAFF = (
    Person(id=ADVISER, name="Assigns owners", role="adviser"),
    Person(id="ann", name="Ann", role="agent", teams=("support",), capacity=2),
    Person(id="bob", name="Bob", role="agent", teams=("support", "sales"), capacity=1),
    Person(id="lea", name="Lea", role="lead"),
)
KEYS = [f"Delta:x:{number}" for number in range(6)]
keys, people = st.sampled_from(KEYS), st.sampled_from(["ann", "bob", "lea"])


class AdvisedDesk(RuleBasedStateMachine):
    """Events reach the adviser, and its commands the desk, whenever they like, in order."""

    @initialize()
    def open(self) -> None:
        self.desk = new_desk()
        self.state: dict[bytes, bytes] = {}
        self.minutes, self.sent, self.mentions = 0.0, 0, Counter[str]()
        self.on_the_way: deque[DeskTold] = deque()
        self.to_desk: deque[DeskCommand] = deque()
        self.answers: list[DeskAnswer] = []
        self.owners: dict[str, str | None] = {}
        self.people = {person.id: person for person in STAFF}
        self.hear(*STAFF, tick(0))
        for key in KEYS[:4]:
            self.customer_writes(key, "customer_complaint", False)
        self.the_adviser_begins_anew()

    @rule(
        key=keys,
        type_=st.sampled_from(["customer_complaint", "sales_inquiry"]),
        doubtful=st.sampled_from([False, False, True]),
    )
    def customer_writes(self, key, type_, doubtful) -> None:  # type: ignore[no-untyped-def]
        self.mentions[key] += 1
        at = self.minutes + self.mentions[key] / 1000
        self.hear(inbound(f"m{self.mentions[key]}", at, conversation=key, type_=type_, doubtful=doubtful))

    @rule(key=keys, who=people, what=st.sampled_from(["claim", "release", "resolve", "answer"]))
    def somebody_acts(self, key: str, who: str, what: str) -> None:
        last = f"m{self.mentions[key]}"
        actions: dict[str, Action] = {
            "claim": Claim(), "release": Release(), "resolve": Resolve(last_inbound=last), "answer": Claim(),
        }  # fmt: skip
        answer = self.say(key, who, actions[what])
        if what == "answer" and answer.accepted and answer.fence is not None:
            self.say(key, who, Reply(token=answer.fence.token or "", last_inbound=last, text="Done."))

    @rule(by=st.sampled_from([0.1, 1, 20, 70]))
    def time_passes(self, by: float) -> None:
        self.minutes += by
        self.hear(tick(self.minutes))

    @rule(who=people, active=st.booleans())
    def somebody_leaves_or_comes(self, who: str, active: bool) -> None:
        self.people[who] = self.people[who].model_copy(update={"active": active})
        self.hear(self.people[who])
        self.adviser.know(self.people[who])

    @rule(count=st.integers(1, 20))
    def the_adviser_hears(self, count: int) -> None:
        for _ in range(min(count, len(self.on_the_way))):
            self.tell(self.on_the_way.popleft())

    @rule()
    def the_adviser_asks(self) -> None:
        self.to_desk.extend(self.adviser.commands(minute(self.minutes)))

    @rule(count=st.integers(1, 5))
    def commands_arrive(self, count: int) -> None:
        for _ in range(min(count, len(self.to_desk))):
            self.hear(self.to_desk.popleft())

    @rule()
    def the_adviser_begins_anew(self) -> None:
        """It reads the desk's state, and then the events from somewhat earlier on."""
        self.adviser = Adviser(POLICY)
        for person in self.people.values():
            self.adviser.know(person)
        self.keep_state()
        for key, value in self.state.items():
            if kind_of(value) == Kind.CONVERSATION:
                self.adviser.see(key.decode(), standing_of(key.decode(), decode_conversation(value)))

    @invariant()
    def only_what_is_nobodys_was_given_to_somebody(self) -> None:
        """`hear` looks at every event; here, that the desk has said yes once to each command."""
        said_yes = Counter(answer.command for answer in self.answers if answer.accepted and answer.by == ADVISER)
        given = {answer.command: answer for answer in self.answers}
        assert all(given[command].accepted for command in said_yes)

    def teardown(self) -> None:
        """Left alone, everything that somebody could take is somebody's, and nobody has more than they have room for
        through what was asked of them now."""
        if not hasattr(self, "adviser"):
            return
        self.settle()
        before = self.loads()
        self.settle()
        assert self.loads() == before, "it comes to rest"
        loads = self.loads()
        assert {who: self.adviser.load_of(who) for who in loads} == dict(loads)
        for key, found in self.conversations().items():
            wants = found.status == Status.OPEN and found.waiting_since() is not None and not found.in_review()
            if wants and not found.owner:
                tried = self.adviser._not.get(key, set())
                assert all(self.could_not(who, found.team, loads) or who in tried for who in ("ann", "bob", "lea"))

    def could_not(self, who: str, team: str, loads: Counter[str]) -> bool:
        person = self.people[who]
        full = person.capacity is not None and loads[who] >= person.capacity
        return not person.active or full or bool(person.teams and team not in person.teams)

    def settle(self) -> None:
        for _ in range(20):
            self.the_adviser_hears(10_000)
            self.the_adviser_asks()
            self.commands_arrive(10_000)

    def loads(self) -> Counter[str]:
        found = Counter[str]()
        for case in self.conversations().values():
            busy = case.waiting_since() is not None or case.in_review()
            if case.status == Status.OPEN and case.owner and busy:
                found[case.owner] += 1
        return found

    def conversations(self) -> dict[str, Conversation]:
        self.keep_state()
        found = ((key, value) for key, value in self.state.items() if kind_of(value) == Kind.CONVERSATION)
        return {key.decode(): decode_conversation(value) for key, value in found}

    def keep_state(self) -> None:
        for key, value in self.desk.take_changes():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value

    def hear(self, *log: Entry) -> list[DeskTold]:
        told: list[DeskTold] = []
        for record in log:
            for event in self.desk.fold(record).events:
                if isinstance(event, ConversationChanged):
                    if event.kind == "assigned":
                        assert self.owners.get(event.conversation) is None
                    self.owners[event.conversation] = event.owner
                elif isinstance(event, DeskAnswer):
                    self.answers.append(event)
                told.append(event)
        self.on_the_way.extend(told)
        return told

    def tell(self, event: DeskTold) -> None:
        if isinstance(event, ConversationChanged):
            self.adviser.see(event.conversation, standing_after(event))
        elif isinstance(event, DeskAnswer):
            self.adviser.hear(event)

    def say(self, key: str, who: str, action: Action) -> DeskAnswer:
        self.sent += 1
        sent = minute(self.minutes) + timedelta(milliseconds=self.sent)
        told = self.hear(DeskCommand(id=f"c{self.sent}", conversation=key, by=who, sent_at=sent, action=action))
        (answer,) = [event for event in told if isinstance(event, DeskAnswer)]
        return answer


AdvisedDesk.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None, derandomize=True)
TestAdvisedDesk = AdvisedDesk.TestCase
