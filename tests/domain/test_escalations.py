"""Escalations: who is told, when it climbs, what an acknowledgement is worth, when it is over."""

import pytest

from domain.policy import parse_policy
from schemas.desk_events import EscalationChanged
from schemas.desk_records import Acknowledge, Label, Resolve
from schemas.records import RiskFlag
from tests.domain.desk_log import POLICY, Story, escalations, inbound, restarted, tick, timers, verdict
from tests.domain.posts import POLICY_TEXT
from tests.domain.timer_log import minute


def threatened(*ticks: float) -> tuple[Story, str]:
    """A legal threat at minute 0: a lead is told, after 30 minutes an admin, after 60 more nobody is left."""
    story = Story()
    (started,) = [
        event for event in story.hear(inbound(flags=("legal_threat",))) if isinstance(event, EscalationChanged)
    ]
    story.hear(*map(tick, ticks))
    return story, started.escalation


def test_the_first_of_the_path_is_told_at_once_and_a_holding_reply_is_proposed() -> None:
    story, _ = threatened()
    started = story.told[-1]
    assert isinstance(started, EscalationChanged)
    assert (started.kind, started.role, started.team, started.channel) == ("started", "lead", "pr", "email")
    assert (started.step, started.steps, started.until) == (1, 2, minute(30))
    assert started.holding_reply == "We are looking into this and will have an update shortly."
    assert timers(story) == ["timer_start escalation_ack"]


CLIMB = [
    "legal_threat started at 0, step 1",
    "legal_threat reminded at 15, step 1",
    "legal_threat climbed at 30, step 2",
    "legal_threat reminded at 45, step 2",
    "legal_threat at_last_step at 90, step 2",
]


@pytest.mark.parametrize("ticks", [[500], [1, 16, 31, 46, 91, 500], [*range(1, 500)]])
def test_it_climbs_until_it_is_acknowledged_however_often_time_ticks(ticks: list[float]) -> None:
    story, _ = threatened(*ticks)
    assert escalations(story.told) == CLIMB


def test_an_acknowledgement_stops_the_climb_and_is_on_record() -> None:
    story, escalation = threatened(10)
    assert story.do("lea", Acknowledge(escalation=escalation)).accepted
    told = story.told[-1]
    assert isinstance(told, EscalationChanged)
    assert (told.kind, told.by, told.until) == ("acknowledged", "lea", minute(250))
    assert timers(story)[-1] == "timer_stop escalation_ack"
    assert escalations(story.pass_time(250)) == []


def test_an_acknowledgement_lapses_and_the_climb_goes_on() -> None:
    story, escalation = threatened(31)
    story.do("lea", Acknowledge(escalation=escalation))
    assert escalations(story.pass_time(500)) == [
        "legal_threat unacknowledged at 271, step 2",
        "legal_threat reminded at 286, step 2",
        "legal_threat at_last_step at 331, step 2",
    ]
    assert story.do("apu", Acknowledge(escalation=escalation)).accepted


def test_it_is_acknowledged_once_by_those_who_may() -> None:
    story, escalation = threatened()
    assert story.do("eve", Acknowledge(escalation=escalation)).code == "not_allowed"
    assert story.do("lea", Acknowledge(escalation="another")).code == "unknown_escalation"
    story.do("lea", Acknowledge(escalation=escalation))
    refused = story.do("apu", Acknowledge(escalation=escalation))
    assert (refused.code, refused.reason) == ("already_acknowledged", "lea has acknowledged it")


def test_it_is_over_when_the_conversation_is_resolved() -> None:
    story, escalation = threatened()
    story.do("lea", Resolve(last_inbound="m1"))
    assert escalations(story.told)[-1] == "legal_threat closed at 0, step 1"
    refused = story.do("lea", Acknowledge(escalation=escalation))
    assert (refused.code, refused.reason) == ("unknown_escalation", "the escalation is over")


def test_a_threat_is_not_over_because_it_was_answered_but_a_breach_is() -> None:
    story, _ = threatened()
    story.hear(verdict("breached", 120))
    story.reply("ann", story.claim("ann"))
    assert escalations(story.pass_time(1))[-1] == "breached closed at 0.166667, step 1"


def test_one_climbs_a_trigger_and_a_repeated_cause_starts_none() -> None:
    story, _ = threatened()
    assert escalations(story.hear(inbound("m2", 1, flags=("legal_threat",)))) == []
    story.hear(verdict("breached", 120))
    story.reply("ann", story.claim("ann"), "m2")
    story.pass_time(1)
    story.hear(inbound("m3", 2))
    assert escalations(story.hear(verdict("breached", 120))) == []
    assert escalations(story.hear(verdict("breached", 122, mention="m3"))) == ["breached started at 1, step 1"]


@pytest.mark.parametrize("flag", ["legal_threat", "safety", "press_or_influencer", "self_harm_or_violence"])
def test_each_of_these_flags_has_a_path_in_the_shipped_policy(flag: RiskFlag) -> None:
    story = Story()
    assert escalations(story.hear(inbound(flags=(flag,)))) == [f"{flag} started at 0, step 1"]


def test_what_the_clock_says_of_an_answered_or_unknown_conversation_starts_nothing() -> None:
    story = Story()
    assert story.hear(verdict("breached", 120)) == []
    story.hear(inbound())
    story.reply("ann", story.claim("ann"))
    story.pass_time(1)
    assert story.hear(verdict("breached", 120), verdict("met", 1), verdict("at_risk", 1)) == []


def test_a_label_that_finds_a_threat_starts_its_escalation() -> None:
    story = Story()
    story.hear(inbound(doubtful=True))
    label = Label(mention="m1", type="customer_complaint", risk_flags=("legal_threat",))
    assert escalations(story.hear(story.command("ann", label))) == ["legal_threat started at 0, step 1"]


def test_a_path_is_frozen_when_it_starts() -> None:
    """Another policy, with another path, is read while the escalation climbs."""
    shipped = "role: lead, team: pr, channel: email, minutes: 30"
    changed = parse_policy(POLICY_TEXT.replace(shipped, "role: lead, channel: fax, minutes: 1"), "policy.yaml")
    story, _ = threatened()
    story.desk = restarted(story.desk, {}, POLICY, changed)
    story.hear(inbound("m2", rules=changed), tick(500))
    assert escalations(story.told) == CLIMB
