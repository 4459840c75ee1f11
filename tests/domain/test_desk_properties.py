"""What holds of the desk whatever people, customers, clocks and crashes do to it, in any order.

The model keeps only what a reader would write down on paper: who was told that they hold the conversation, what the
customer wrote last, what was published.

The examples are the same each time, so that nothing fails by luck. To search deeper, raise `max_examples` in the last
lines to some thousands and set `derandomize=False`.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from domain.desk import Desk
from domain.desk_state import Climb, Conversation, Status, decode_conversation
from domain.desk_turn import DeskTimer
from domain.instants import from_ms
from domain.state_head import NEVER
from schemas.codecs import decode, encode
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold, EscalationChanged, ReplyToPublish
from schemas.desk_records import (
    Acknowledge,
    Action,
    Approve,
    Assign,
    Away,
    Claim,
    DeskCommand,
    Label,
    Note,
    Person,
    Promised,
    Reject,
    Release,
    Reopen,
    Reply,
    Resolve,
    Snooze,
    TakeOver,
    Undo,
)
from schemas.records import TimerStart
from tests.domain.desk_log import (
    DELTA,
    PEOPLE,
    POLICY,
    Entry,
    inbound,
    new_desk,
    outcome,
    posted,
    refund,
    respond,
    restarted,
    tick,
    verdict,
)
from tests.domain.timer_log import minute

KEY = DELTA.encode()
answering = st.sampled_from(["ann", "bob", "lea"])
people = st.one_of(answering, answering, st.sampled_from([person.id for person in PEOPLE]))
names = st.sampled_from(["made up", "m1", "m2"])
promises: st.SearchStrategy[tuple[Promised, ...]] = st.sampled_from([(), (), (refund(100),), (refund(10_000),)])
passing = st.sampled_from([0.01, 0.1, 0.2, 1, 1, 5, 5, 5, 16, 16, 30, 61, 61, 300, 3 * 24 * 60, 9 * 24 * 60])


class DeskMachine(RuleBasedStateMachine):
    """One conversation, several people, and a log that may be read again from anywhere."""

    tokens = Bundle("tokens")
    replies = Bundle("replies")
    escalations = Bundle("escalations")

    @initialize()
    def open(self) -> None:
        self.desk: Desk = new_desk()
        self.log: list[Entry] = []
        self.told: list[DeskTold] = []
        self.state: dict[bytes, bytes | None] = {}
        self.minutes = 0.0
        self.forgotten_until = 0
        self.mentions = 0
        self.commands = 0
        self.accepted_replies: dict[str, Reply] = {}
        self.on_their_way: dict[str, set[str]] = {}
        """Replies that were handed on, each with the mentions that it answers."""
        self.answered_elsewhere: set[str] = set()
        """Replies on their way while the brand answered in another way."""
        self.holder_of_token: dict[str, str] = {}
        self.hear(*PEOPLE, tick(0))
        self.customer_writes("customer_complaint", (), False, True, 0)

    # What happens

    @rule(
        type_=st.sampled_from(["customer_complaint", "sales_inquiry", "positive_feedback"]),
        flags=st.sampled_from([(), (), ("legal_threat",), ("safety", "press_or_influencer")]),
        doubtful=st.sampled_from([False, False, False, True]),
        asks=st.booleans(),
        late=st.sampled_from([0, 0, 0, 30]),
    )
    def customer_writes(self, type_, flags, doubtful, asks, late) -> None:  # type: ignore[no-untyped-def]
        self.mentions += 1
        at = max(self.minutes - late, 0) + self.mentions / 1000
        self.hear(inbound(f"m{self.mentions}", at, type_=type_, flags=flags, doubtful=doubtful, asks=asks))

    @rule(kind=st.sampled_from(["started", "at_risk", "breached", "met"]), behind=st.integers(0, 3))
    def clock_says(self, kind, behind) -> None:  # type: ignore[no-untyped-def]
        mention = f"m{max(1, self.mentions - behind)}"
        self.hear(verdict(kind, self.minutes, mention=mention, due=self.minutes + 60))

    @rule(back=st.sampled_from([0, 0, 1, 60]))
    def brand_answers_elsewhere(self, back: float) -> None:
        self.commands += 1
        self.answered_elsewhere |= self.on_their_way.keys()
        self.hear(respond(max(0, self.minutes - back), f"elsewhere {self.commands}"))

    @rule(data=st.data(), later=st.sampled_from([0, 0, 1, 5]))
    def the_channel_has_posted_a_reply(self, data: st.DataObject, later: float) -> None:
        """It answers what its author saw, and nothing that the customer has written since."""
        if not self.on_their_way:
            return
        reply = data.draw(st.sampled_from(sorted(self.on_their_way)))
        del self.on_their_way[reply]
        before = self.waiting
        told = self.hear(posted(self.minutes + later, reply))
        if before is not None:
            assert [getattr(event, "kind", None) for event in told] == ["reply_published"]
            assert self.waiting == before

    @rule(data=st.data(), result=st.sampled_from(["refused", "uncertain"]))
    def a_reply_is_not_public(self, data, result) -> None:  # type: ignore[no-untyped-def]
        """Its message waits again, in an open conversation, and nothing goes out by itself."""
        if not self.on_their_way:
            return
        reply = data.draw(st.sampled_from(sorted(self.on_their_way)))
        answered = self.on_their_way.pop(reply)
        told = self.hear(outcome(self.minutes, reply, result))
        found = self.conversation
        if found is None:
            return
        assert found.draft is None
        assert not any(isinstance(event, ReplyToPublish) for event in told)
        kinds = [event.kind for event in told if isinstance(event, ConversationChanged)]
        assert ("reply_failed" if result == "refused" else "reply_uncertain") in kinds
        if reply not in self.answered_elsewhere:
            messages = [message for message in found.messages if message.mention in answered and message.type != "spam"]
            assert all(message.waits for message in messages)
            assert found.status == Status.OPEN or not messages

    @rule(who=answering, result=st.sampled_from(["refused", "uncertain"]), again=answering)
    def an_answer_fails_and_somebody_answers_anew(self, who, result, again) -> None:  # type: ignore[no-untyped-def]
        self.claims_and_answers(who)
        for reply in list(self.on_their_way):
            self.hear(outcome(self.minutes, reply, result))
            del self.on_their_way[reply]
        self.claims_and_answers(again)

    @rule(by=passing)
    def time_passes(self, by: float) -> None:
        self.minutes += by
        self.hear(tick(self.minutes))

    @rule()
    def the_undo_window_passes(self) -> None:
        self.time_passes(0.2)

    @rule(who=answering, active=st.sampled_from([True, True, False]), away=st.sampled_from([None, None, 0, 5, 90]))
    def somebody_leaves_or_comes_back(self, who: str, active: bool, away: float | None) -> None:
        (person,) = [person for person in PEOPLE if person.id == who]
        until = self.minutes + 1000
        absences = () if away is None else (Away(since=minute(self.minutes + away), until=minute(until)),)
        self.hear(person.model_copy(update={"active": active, "away": absences}))

    @rule(target=tokens, who=people, over=st.sampled_from([False, False, True]))
    def claims(self, who: str, over: bool):  # type: ignore[no-untyped-def]
        answer = self.say(who, TakeOver(reason="busy") if over else Claim())
        if not answer.accepted:
            return multiple()
        assert answer.fence is not None
        assert answer.fence.token is not None
        assert answer.fence.holder == who
        return answer.fence.token

    @rule(target=replies, who=answering, token=tokens, stale=st.booleans(), follows=st.booleans(), given=promises)
    def writes_with_any_token(self, who, token, stale, follows, given):  # type: ignore[no-untyped-def]
        return self.write(who, token, stale, follows, given)

    @rule(target=replies, who=answering, given=promises, stale=st.booleans(), mix_up=st.booleans(), adds=st.booleans())
    def claims_and_writes(self, who, given, stale=False, mix_up=False, adds=True):  # type: ignore[no-untyped-def]
        answer = self.say(who, Claim())
        self.say(who, Label(mention=f"m{max(1, self.mentions)}", type="customer_complaint"))
        token = answer.fence.token if answer.fence and answer.accepted else None
        if mix_up:
            token = min(self.holder_of_token, default=None)
        return self.write(who, token or "none", stale, adds, given)

    @rule(who=answering)
    def claims_and_answers(self, who: str) -> None:
        self.claims_and_writes(who, ())
        self.the_undo_window_passes()

    @rule(first=answering, second=answering)
    def two_answer_one_after_the_other(self, first: str, second: str) -> None:
        """The second's page is from before the first's answer."""
        self.claims_and_answers(first)
        self.say(first, Release())
        self.claims_and_writes(second, (), adds=False)
        self.the_undo_window_passes()

    @rule(who=answering, other=answering, given=promises)
    def somebody_takes_over_what_is_under_way(self, who: str, other: str, given: tuple[Promised, ...]) -> None:
        self.claims_and_writes(who, given)
        self.say(other, TakeOver(reason="wrong parcel"))
        self.the_undo_window_passes()

    @rule(who=answering, approver=st.sampled_from(["lea", "apu"]), cents=st.sampled_from([10_000, 60_000]))
    def asks_for_approval(self, who: str, approver: str, cents: int) -> None:
        reply = self.claims_and_writes(who, (refund(cents),))
        if isinstance(reply, str):
            self.decides_on_a_reply(approver, reply, "approve")
            self.the_undo_window_passes()

    @rule(who=people, reply=replies, what=st.sampled_from(["approve", "approve", "reject", "undo"]))
    def decides_on_a_reply(self, who: str, reply: str, what: str) -> None:
        actions: dict[str, Action] = {
            "approve": Approve(reply=reply),
            "reject": Reject(reply=reply, reason="no"),
            "undo": Undo(reply=reply),
        }
        answer = self.say(who, actions[what])
        if what == "approve" and answer.accepted:
            authors = [event.by for event in self.changes("reply_held") if event.reply == reply]
            assert who not in authors

    @rule(who=people, escalation=consumes(escalations))
    def acknowledges(self, who: str, escalation: str) -> None:
        self.say(who, Acknowledge(escalation=escalation))

    @rule(target=escalations)
    def finds_an_escalation(self):  # type: ignore[no-untyped-def]
        found = self.conversation
        return multiple(*[known.id for known in found.escalations] if found else [])

    @rule(
        who=people,
        action=st.one_of(
            st.sampled_from([Release(), Reopen(), Note(text="hm")]),
            st.builds(Assign, to=people),
            st.builds(Label, mention=names, type=st.sampled_from(["spam", "sales_inquiry", "customer_complaint"])),
        ),
    )
    def does_something_else(self, who: str, action: Action) -> None:
        self.say(who, action)

    @rule(who=answering, later=st.sampled_from([1, 30, 10**6]))
    def snoozes(self, who: str, later: int) -> None:
        self.say(who, Snooze(until=minute(min(self.minutes + later, 10**7))))

    @rule(who=answering, stale=st.booleans())
    def resolves(self, who: str, stale: bool) -> None:
        self.say(who, Resolve(last_inbound="m1" if stale else f"m{max(1, self.mentions)}"))

    @rule(who=answering)
    def labels_the_latest(self, who: str) -> None:
        self.say(who, Label(mention=f"m{max(1, self.mentions)}", type="customer_complaint"))

    @rule(data=st.data())
    def a_command_comes_again(self, data: st.DataObject) -> None:
        """However long ago: it gets its answer again, or is too old, and changes nothing. The desk remembers no
        answers to commands for conversations that it doesn't know."""
        answers = {event.command: event for event in self.told if isinstance(event, DeskAnswer)}
        commands = [record for record in self.log if isinstance(record, DeskCommand)]
        known = [command for command in commands if answers[command.id].code != "unknown_conversation"]
        if not known:
            return
        command = data.draw(st.sampled_from(known))
        before = self.essence
        (answer,) = self.hear(command)
        assert isinstance(answer, DeskAnswer)
        assert answer == answers[command.id] or answer.code in ("stale", "unknown_conversation")
        assert self.essence == before

    @rule(data=st.data())
    def another_record_comes_again(self, data: st.DataObject) -> None:
        """What came while the desk had no such conversation, and was nothing to it then, is new to it; all that would
        bring that again is a broken producer."""
        since = [record for record in self.log[self.forgotten_until :] if not isinstance(record, DeskCommand | Person)]
        before = self.essence
        if since and before is not None:
            assert self.hear(data.draw(st.sampled_from(since))) == []
            assert self.essence == before

    @rule()
    def the_worker_restarts(self) -> None:
        before = self.desk.digest()
        self.desk = restarted(self.desk, self.state)
        assert self.desk.digest() == before

    # What always holds

    @invariant()
    def nobody_but_the_last_to_claim_holds_it(self) -> None:
        """Read from the events alone, as the console would."""
        holder = None
        for event in self.told:
            if not isinstance(event, ConversationChanged):
                continue
            if event.kind in ("claimed", "taken_over"):
                assert holder is None or event.kind == "taken_over" or holder == event.by
                holder = event.by
            assert event.holder in (None, holder)
            holder = event.holder
        found = self.conversation
        if found is not None:
            assert (found.claim.holder if found.claim else None) == holder

    @invariant()
    def an_open_conversation_has_an_owner_and_a_closed_one_an_end(self) -> None:
        found = self.conversation
        if found is None:
            return
        if found.status == Status.OPEN:
            assert found.queue
            assert found.team in POLICY.teams
        else:
            assert (found.owner, found.claim, found.draft, found.escalations) == ("", None, None, [])
            assert found.waiting_since() is None
        assert found.claim is None or found.claim.holder == found.owner

    @invariant()
    def every_escalation_is_acknowledged_or_climbs_or_has_said_that_it_cannot(self) -> None:
        found = self.conversation
        for escalation in found.escalations if found else []:
            last = self.steps(escalation.id)[-1]
            if escalation.climb == Climb.AT_LAST_STEP:
                assert last == "at_last_step"
                assert escalation.until == NEVER
            elif escalation.climb == Climb.ACKNOWLEDGED:
                assert last == "acknowledged"
            else:
                assert last in ("started", "climbed", "reminded", "unacknowledged")
            assert escalation.climb == Climb.AT_LAST_STEP or escalation.until >= self.now_ms

    @invariant()
    def what_is_over_has_said_so(self) -> None:
        found = self.conversation
        active = {known.id for known in found.escalations} if found else set()
        told = {event.escalation for event in self.told if isinstance(event, EscalationChanged)}
        for escalation in told - active:
            assert self.steps(escalation)[-1] == "closed"

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        again = new_desk()
        told = [event for record in self.log for event in again.fold(record).events]
        assert told == self.told, "replay of the log gives the same events"
        assert again.digest() == self.desk.digest()
        for event in told:
            assert decode(encode(event)) == event
        distinct = {event.id: event for event in told}
        assert all(distinct[event.id] == event or isinstance(event, DeskAnswer) for event in told)

    # The means

    def hear(self, *log: Entry) -> list[DeskTold]:
        told: list[DeskTold] = []
        for record in log:
            seen = self.conversation
            step = self.desk.fold(record)
            events = step.events
            self.check_published(events, seen)
            self.check_due(step.timers)
            told += events
            self.log.append(record)
            if self.conversation is None:
                self.forgotten_until = len(self.log)
        self.told += told
        return told

    def check_published(self, events: list[DeskTold], before: Conversation | None) -> None:
        """No reply is handed on without a fence that was good when it was accepted and has been untouched since."""
        for event in events:
            if isinstance(event, ReplyToPublish):
                fence = self.accepted_replies.pop(event.id)  # KeyError: handed on without, or twice
                assert self.holder_of_token[fence.token] == event.author
                assert event.mention == fence.last_inbound == f"m{self.mentions}"
                assert before is not None
                waited = {message.mention for message in before.messages if message.waits}
                self.on_their_way[event.id] = waited or {event.mention}
                assert before.in_review() == 0
                assert not before.last_reply or before.last_reply == fence.follows
                assert self.not_taken_over(event.id, event.author)
                held = any(change.reply == event.id for change in self.changes("reply_held"))
                assert (event.approved_by is not None) == held

    def check_due(self, timers: list[DeskTimer]) -> None:
        """The desk's own targets add nothing to the response that they serve, unless that is breached already."""
        for timer in timers:
            if isinstance(timer, TimerStart) and timer.target in ("review", "approval", "escalation_ack"):
                found = self.conversation
                assert found is not None
                assert found.served is not None
                response_due = from_ms(found.served.due)
                assert timer.started_at <= timer.at_risk_at <= timer.due_at
                assert timer.due_at <= response_due or timer.started_at > response_due

    def say(self, who: str, action: Action) -> DeskAnswer:
        self.commands += 1
        sent = minute(self.minutes) + timedelta(milliseconds=self.commands)
        command = DeskCommand(id=f"c{self.commands}", conversation=DELTA, by=who, sent_at=sent, action=action)
        told = self.hear(command)
        (answer,) = [event for event in told if isinstance(event, DeskAnswer)]
        if not answer.accepted:
            assert told == [answer]
        elif action.do in ("claim", "take_over") and answer.fence is not None:
            assert self.holder_of_token.setdefault(answer.fence.token or "", who) == who
        return answer

    def write(self, who: str, token: str, stale: bool, follows: bool, given: tuple[Promised, ...]):  # type: ignore[no-untyped-def]
        found = self.conversation
        reply = Reply(
            token=token,
            last_inbound="m1" if stale else f"m{max(1, self.mentions)}",
            follows=found.last_reply or None if found and follows else None,
            text="We are on it.",
            promises=given,
        )
        answer = self.say(who, reply)
        if not answer.accepted:
            return multiple()
        assert found is not None
        assert found.claim is not None
        assert (found.claim.token, found.claim.holder, found.last_inbound) == (token, who, reply.last_inbound)
        assert answer.reply is not None
        self.accepted_replies[answer.reply] = reply
        return answer.reply

    def changes(self, kind: str) -> list[ConversationChanged]:
        return [event for event in self.told if isinstance(event, ConversationChanged) and event.kind == kind]

    def not_taken_over(self, reply: str, author: str) -> bool:
        """Since the reply was accepted, by anybody else."""
        changes = [event for event in self.told if isinstance(event, ConversationChanged)]
        (begun,) = [n for n, event in enumerate(changes) if event.kind.startswith("reply_") and event.reply == reply][
            :1
        ]
        return all(event.kind != "taken_over" or event.by == author for event in changes[begun:])

    def steps(self, escalation: str) -> list[str]:
        return [
            event.kind for event in self.told if isinstance(event, EscalationChanged) and event.escalation == escalation
        ]

    @property
    def conversation(self) -> Conversation | None:
        """As the state topic has it."""
        if not hasattr(self, "desk"):
            return None
        self.state.update(self.desk.take_changes())
        state = self.state.get(KEY)
        return None if state is None else decode_conversation(state)

    @property
    def waiting(self) -> set[str] | None:
        """The mentions that wait for an answer."""
        found = self.conversation
        return None if found is None else {message.mention for message in found.messages if message.waits}

    @property
    def essence(self) -> Conversation | None:
        """All but the answers."""
        found = self.conversation
        if found is not None:
            found.answers, found.answers_until, found.touched = [], None, 0
        return found

    @property
    def now_ms(self) -> int:
        return int(minute(self.minutes).timestamp() * 1000)


DeskMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None, derandomize=True)
TestDesk = DeskMachine.TestCase
