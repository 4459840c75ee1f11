"""An incident from its proposal to its end, with the desk that its statement goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from domain.incidents import SPEAKER, Heard, Incidents, incident_of
from schemas.desk_events import ConversationChanged, DeskAnswer, DeskTold, ReplyToPublish
from schemas.desk_records import Claim, DeskCommand, Note, Person, Reply
from schemas.ids import derive_id
from schemas.incident_records import (
    ApproveStatement,
    Close,
    Confirm,
    Dismiss,
    IncidentChanged,
    IncidentCommand,
    IncidentMember,
    IncidentProposed,
    State,
)
from tests.domain.desk_log import PEOPLE, POLICY, Entry, inbound, new_desk, tick
from tests.domain.timer_log import minute

SPEAKING = Person(id=SPEAKER, name="Answers incidents", role="spokesperson", capacity=0)
TEXT = "We know, and are on it."
KEYS = [f"Delta:x:{number}" for number in range(4)]


def proposal(*numbers: int, mention: str = "m1", incident: str = "i1") -> IncidentProposed:
    members = tuple(IncidentMember(conversation=KEYS[number], mention=mention) for number in numbers)
    return IncidentProposed(
        id=derive_id("incident_proposed", incident, mention, *map(str, numbers)),
        incident=incident,
        brand="Delta",
        type="customer_complaint",
        spike="s1",
        title="the app is down",
        sketch=("aa", "bb"),
        members=members,
        policy=POLICY.version,
        at=minute(1),
    )


@dataclass
class Story:
    """The desk, with four conversations, and the incidents; each hears of the other at once."""

    told: list[IncidentChanged] = field(default_factory=list)
    desk_told: list[DeskTold] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.desk, self.incidents = new_desk(), Incidents(lambda _: POLICY)
        for person in (*PEOPLE, SPEAKING):
            self.incidents.fold(person)
        self.desk_hears(*PEOPLE, SPEAKING, tick(0), *(inbound(conversation=key) for key in KEYS))

    def desk_hears(self, *log: Entry) -> list[DeskTold]:
        told: list[DeskTold] = []
        for record in log:
            told += self.desk.fold(record).events
        self.desk_told += told
        for event in told:
            if isinstance(event, DeskAnswer | ConversationChanged) and incident_of(event) is not None:
                self.hear(event)
        return told

    def hear(self, record: Heard) -> list[IncidentChanged]:
        step = self.incidents.fold(record)
        self.told += step.events
        self.desk_hears(*step.commands)
        return step.events

    def do(
        self, by: str, action: Confirm | Dismiss | State | ApproveStatement | Close, id_: str = ""
    ) -> IncidentChanged:
        self.sent += 1
        at = minute(2) + timedelta(milliseconds=self.sent)
        command = IncidentCommand(id=id_ or f"ic{self.sent}", incident="i1", by=by, sent_at=at, action=action)
        (told,) = self.hear(command)
        return told

    def at_desk(self, by: str, key: str, action: Claim | Reply | Note) -> DeskAnswer:
        self.sent += 1
        sent = minute(2) + timedelta(milliseconds=self.sent)
        told = self.desk_hears(DeskCommand(id=f"c{self.sent}", conversation=key, by=by, sent_at=sent, action=action))
        return next(event for event in told if isinstance(event, DeskAnswer))

    def state(self) -> str:
        """Confirmed by a lead, stated by an agent; gives the statement."""
        self.do("lea", Confirm())
        stated = self.do("ann", State(text=TEXT))
        assert stated.statement is not None
        return stated.statement

    def approve(self) -> None:
        assert self.do("lea", ApproveStatement(statement=self.state())).kind == "approved"

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]

    def published(self) -> list[tuple[str, str]]:
        return [(event.conversation, event.text) for event in self.desk_told if isinstance(event, ReplyToPublish)]

    def skipped(self) -> dict[str, str | None]:
        return {event.members[0].conversation: event.reason for event in self.told if event.kind == "skipped"}


def story(*numbers: int) -> Story:
    found = Story()
    found.hear(proposal(*(numbers or range(4))))
    return found


def test_one_approved_statement_answers_every_conversation_once_on_its_own_clock() -> None:
    found = story()
    found.approve()
    assert found.published() == [], "the undo window"
    found.desk_hears(tick(3))
    assert found.published() == [(key, TEXT) for key in KEYS]
    last = found.told[-1]
    assert (last.kind, last.all_members, last.accepted, last.answered, last.skipped) == ("answered", 4, 4, 4, 0)
    owners = {event.conversation: event.owner for event in found.desk_told if isinstance(event, ConversationChanged)}
    assert set(owners.values()) == {None}, "each is back in its queue"


def test_a_conversation_that_a_person_holds_is_skipped_and_stays_theirs() -> None:
    found = story()
    found.at_desk("bob", KEYS[1], Claim())
    found.approve()
    found.desk_hears(tick(3))
    assert [key for key, _ in found.published()] == [KEYS[0], KEYS[2], KEYS[3]]
    assert found.skipped() == {KEYS[1]: "claimed_by_other: bob has claimed the conversation since"}
    assert found.told[-1].skipped == 1


def test_a_conversation_that_was_answered_meanwhile_is_skipped() -> None:
    found = story()
    token = found.at_desk("bob", KEYS[1], Claim()).fence
    assert token is not None
    found.at_desk("bob", KEYS[1], Reply(token=token.token or "", last_inbound="m1", text="By hand."))
    found.desk_hears(tick(30))
    found.approve()
    found.desk_hears(tick(31))
    assert sorted(key for key, _ in found.published()) == KEYS
    assert (found.skipped()[KEYS[1]] or "").startswith("already_answered: ")


def test_whoever_has_written_again_is_read_by_a_person() -> None:
    found = story()
    found.desk_hears(inbound("m2", 1, conversation=KEYS[2]))
    found.approve()
    assert found.skipped() == {KEYS[2]: "customer_wrote_again: the customer has written again; read it first"}


def test_a_reply_that_is_withdrawn_in_its_undo_window_counts_as_skipped() -> None:
    found = story()
    found.approve()
    found.desk_hears(inbound("m2", 2.05, conversation=KEYS[0]), tick(3))
    assert [key for key, _ in found.published()] == KEYS[1:]
    assert found.skipped() == {KEYS[0]: "reply_withdrawn: the customer has written again"}
    assert (found.told[-1].accepted, found.told[-1].skipped) == (3, 1)


def test_whoever_joins_after_the_approval_is_told_too_and_nobody_twice() -> None:
    found = story(0, 1)
    found.approve()
    found.hear(proposal(1, 2))
    found.desk_hears(tick(3))
    assert [key for key, _ in found.published()] == KEYS[:3]
    assert found.kinds().count("joined") == 1


def test_a_later_message_of_a_member_is_the_one_that_is_answered() -> None:
    found = story(0)
    found.desk_hears(inbound("m2", 1, conversation=KEYS[0]))
    found.hear(proposal(0, mention="m2"))
    found.approve()
    found.desk_hears(tick(3))
    assert [key for key, _ in found.published()] == [KEYS[0]]


def test_a_proposal_that_comes_again_changes_nothing() -> None:
    found = story()
    assert found.hear(proposal(*range(4))) == []


def test_a_command_that_comes_again_is_told_the_same_and_done_once() -> None:
    found = story()
    statement = found.state()
    first = found.do("lea", ApproveStatement(statement=statement), "approve 1")
    assert found.do("lea", ApproveStatement(statement=statement), "approve 1") == first
    refused = found.do("lea", ApproveStatement(statement=statement), "approve 2")
    assert (refused.kind, refused.code) == ("refused", "already_approved")
    assert found.do("lea", ApproveStatement(statement=statement), "approve 2") == refused
    found.desk_hears(tick(3))
    assert len(found.published()) == 4


@pytest.mark.parametrize("by", ["ann", "eve", "gus", "rex", "nobody"])
def test_only_whoever_may_approve_confirms_dismisses_approves_or_closes(by: str) -> None:
    found = story()
    codes = {"ann": "not_allowed", "eve": "not_allowed", "rex": "unknown_role"}
    for action in (Confirm(), Dismiss(reason="no"), ApproveStatement(statement="s"), Close()):
        refused = found.do(by, action)
        assert (refused.kind, refused.code) == ("refused", codes.get(by, "unknown_person"))
    assert found.told[-1].status == "proposed"


def test_a_statement_needs_a_confirmed_incident_and_somebody_elses_approval() -> None:
    found = story()
    assert found.do("lea", State(text=TEXT)).code == "not_confirmed"
    found.do("lea", Confirm())
    assert found.do("lea", Confirm()).code == "already_confirmed"
    assert found.do("apu", State(text=TEXT)).code == "not_allowed"
    first, second = found.do("lea", State(text="Draft")), found.do("lea", State(text=TEXT))
    assert found.do("apu", ApproveStatement(statement=first.statement or "")).code == "unknown_statement"
    assert found.do("lea", ApproveStatement(statement=second.statement or "")).code == "own_statement"
    assert found.do("apu", ApproveStatement(statement=second.statement or "")).kind == "approved"
    assert found.do("lea", State(text="Later")).code == "already_approved"
    assert found.do("lea", Dismiss(reason="no")).code == "already_approved"


def test_what_was_dismissed_or_closed_is_over() -> None:
    for action in (Dismiss(reason="two things"), Close()):
        found = story(0, 1)
        found.do("lea", action)
        assert found.do("lea", Confirm()).code == "closed"
        assert found.hear(proposal(2)) == []


def test_a_command_for_an_incident_that_is_unknown_changes_nothing() -> None:
    found = Story()
    refused = found.do("lea", Confirm())
    assert (refused.code, refused.status) == ("unknown_incident", None)
    assert found.incidents.take_changes() is not None


def test_without_the_person_who_speaks_everything_is_skipped_and_said_so() -> None:
    found = story()
    found.desk_hears(SPEAKING.model_copy(update={"active": False}))
    found.approve()
    assert set(found.skipped().values()) == {f"unknown_person: {SPEAKER} has left"}


def test_what_the_desk_says_of_other_commands_is_nothing_to_an_incident() -> None:
    found = story()
    before = list(found.told)
    found.at_desk("bob", KEYS[0], Claim())
    assert found.told == before


def test_a_restart_changes_nothing() -> None:
    found, state = story(), dict[bytes, bytes | None]()
    statement = found.state()
    state.update(found.incidents.take_changes())
    fresh = Incidents(lambda _: POLICY)
    for key, value in state.items():
        fresh.restore(key, value)
    fresh.restored()
    assert fresh.digest() == found.incidents.digest()
    found.incidents = fresh
    assert found.do("lea", ApproveStatement(statement=statement)).kind == "approved"
