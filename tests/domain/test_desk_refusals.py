"""Bad input: a clear code, and nothing changed but that the answer is remembered."""

import pytest

from domain.desk_state import decode_conversation
from domain.partition_states import TICK_KEY
from domain.state_head import StateError
from schemas.desk_records import (
    Acknowledge,
    Action,
    Approve,
    Assign,
    Claim,
    Label,
    Note,
    Reject,
    Release,
    Reopen,
    Reply,
    Resolve,
    Snooze,
    TakeOver,
    Undo,
)
from tests.domain.desk_log import DELTA, Story, answer_in, inbound, new_desk, restarted
from tests.domain.timer_log import minute

REPLY = Reply(token="t", last_inbound="m1", text="Hello")
ACTIONS: list[Action] = [
    Claim(),
    Release(),
    TakeOver(reason="r"),
    REPLY,
    Undo(reply="r"),
    Resolve(last_inbound="m1"),
    Reopen(),
    Snooze(until=minute(30)),
    Note(text="n"),
    Label(mention="m1", type="spam"),
    Assign(to="ann"),
    Approve(reply="r"),
    Reject(reply="r", reason="r"),
    Acknowledge(escalation="e"),
]
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.do)


def refused(story: Story, by: str, action: Action) -> str:
    """The code, after a look that the conversation is what it was before."""
    before = kept(story)
    answer = story.do(by, action)
    assert not answer.accepted
    assert answer.reason
    assert kept(story) == before
    return answer.code


def kept(story: Story) -> object:
    """All that the desk keeps of the conversation, but for its answers."""
    state = dict(story.desk.take_changes(with_tick=True))
    if DELTA.encode() not in state:
        story.hear(story.command("ann", Note(text="to see it"), "look"))
        state = dict(story.desk.take_changes())
    if (found := state.get(DELTA.encode())) is None:
        return None
    conversation = decode_conversation(found)
    conversation.answers, conversation.answers_until, conversation.touched = [], None, 0
    return conversation


def opened() -> Story:
    story = Story()
    story.hear(inbound())
    return story


@each_action
def test_a_conversation_that_the_desk_does_not_know(action: Action) -> None:
    story = Story()
    answer = story.do("lea", action)
    assert (answer.code, answer.accepted, answer.fence) == ("unknown_conversation", False, None)
    assert [key for key, _ in story.desk.take_changes() if not key.startswith(b"\x00")] == []


@each_action
@pytest.mark.parametrize(
    ("by", "code"),
    [("nobody", "unknown_person"), ("gus", "unknown_person"), ("rex", "unknown_role"), ("eve", "not_allowed")],
)
def test_somebody_who_may_not(action: Action, by: str, code: str) -> None:
    assert refused(opened(), by, action) == code


@pytest.mark.parametrize(
    ("by", "may_not"),
    [
        ("ann", {"assign", "approve", "reject"}),
        ("lea", set()),
        ("apu", {action.do for action in ACTIONS} - {"approve", "reject", "acknowledge"}),
        ("assign_owners", {action.do for action in ACTIONS} - {"assign"}),
    ],
)
def test_what_each_role_may(by: str, may_not: set[str]) -> None:
    assert {action.do for action in ACTIONS if opened().do(by, action).code == "not_allowed"} == may_not


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Claim(), "closed"),
        (TakeOver(reason="r"), "closed"),
        (REPLY, "closed"),
        (Resolve(last_inbound="m1"), "closed"),
        (Snooze(until=minute(30)), "closed"),
        (Assign(to="ann"), "closed"),
        (Release(), "no_claim"),
        (Undo(reply="r"), "unknown_reply"),
        (Approve(reply="r"), "unknown_reply"),
        (Reject(reply="r", reason="r"), "unknown_reply"),
        (Acknowledge(escalation="e"), "unknown_escalation"),
        (Label(mention="m2", type="spam"), "unknown_mention"),
    ],
    ids=lambda value: getattr(value, "do", None),
)
def test_a_closed_conversation(action: Action, code: str) -> None:
    story = opened()
    story.do("lea", Resolve(last_inbound="m1"))
    assert refused(story, "lea", action) == code


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Claim(), "claimed_by_other"),
        (Release(), "claimed_by_other"),
        (REPLY, "claimed_by_other"),
        (Resolve(last_inbound="m1"), "claimed_by_other"),
        (Snooze(until=minute(30)), "claimed_by_other"),
        (Label(mention="m1", type="spam"), "claimed_by_other"),
        (Assign(to="ann"), "already_assigned"),
        (Reopen(), "not_closed"),
    ],
    ids=lambda value: getattr(value, "do", None),
)
def test_a_conversation_that_somebody_else_holds(action: Action, code: str) -> None:
    story = opened()
    story.claim("bob")
    assert refused(story, "lea", action) == code


def test_names_of_any_length_fit_into_a_reason() -> None:
    story = opened()
    assert refused(story, "x" * 256, Claim()) == "unknown_person"
    answer = answer_in(story.hear(story.command("ann", TakeOver(reason="r" * 256), "c" * 256)))
    assert answer.accepted


def test_a_message_that_its_policy_cannot_have_routed_so_is_refused_and_changes_nothing() -> None:
    story = Story()
    before = story.desk.digest()
    with pytest.raises(ValueError, match="has no team 'pirates'"):
        story.hear(inbound().model_copy(update={"team": "pirates"}))
    with pytest.raises(ValueError, match="spam is answered by nobody, and can't be due"):
        story.hear(inbound().model_copy(update={"type": "spam"}))
    assert story.desk.digest() == before


def test_a_policy_that_is_not_known_changes_nothing() -> None:
    story = Story()
    before = story.desk.digest()
    with pytest.raises(LookupError):
        story.hear(inbound().model_copy(update={"policy": "another"}))
    assert story.desk.digest() == before


@pytest.mark.parametrize("state", [b"", b"\x07", b"\x01\x01", b"\x02" + b"\x00" * 20])
def test_state_of_another_version_is_refused(state: bytes) -> None:
    with pytest.raises(StateError, match="rebuild the state from the log"):
        new_desk().restore(DELTA.encode(), state)


def test_a_restarted_desk_is_the_same_desk() -> None:
    story = opened()
    story.claim("ann")
    story.pass_time(5)
    again = restarted(story.desk, state := {})
    assert again.digest() == story.desk.digest()
    assert TICK_KEY in state
    assert again.last_tick == minute(5)
