"""People are told of escalations: over real SMTP and HTTP, on a real Kafka."""

from __future__ import annotations

import pytest

from schemas.desk_events import EscalationKind
from schemas.outcomes import NotificationFailed, NotificationSent
from streams.metrics import CATALOGUE
from tests.gateway.notifying import new_step, notified, notifying, open_mailbox, open_sink
from tests.gateway.publishing import tell

pytestmark = pytest.mark.kafka
LINK = "https://desk.example/conversations/{conversation}"


def failures(channel: str) -> float:
    labels = {"channel": channel, "result": "failed"}
    return CATALOGUE.get_sample_value("tenfour_notifications_total", labels) or 0.0


async def test_a_step_reaches_whoever_the_policy_names_without_a_word_of_the_customer(kafka: str) -> None:
    step = new_step()
    async with open_sink() as sink, notifying(kafka, f"chat: ['{sink.url}']", notify_link=LINK):
        await tell(kafka, step)
        outcome = await notified(kafka, step)
    assert isinstance(outcome, NotificationSent)
    assert (outcome.channel, outcome.role, outcome.addresses, outcome.attempts) == ("chat", "lead", 1, 1)
    (message,) = sink.about(step)
    assert message["title"] == "Legal threat: a conversation needs somebody"
    assert message["message"].splitlines() == [
        f"Conversation: {step.conversation}",
        "Escalation: legal threat, step 1 of 2",
        "For: lead, team support",
        "Acknowledge it until 2026-03-02 08:15 UTC, or it climbs on.",
        f"https://desk.example/conversations/{step.conversation.replace(':', '%3A')}",
    ]


async def test_a_step_reaches_a_mailbox(kafka: str) -> None:
    step = new_step(channel="email")
    with open_mailbox() as (mailbox, port):
        url = f"mailto://127.0.0.1:{port}?from=desk@example.com&to=lead@example.com"
        async with notifying(kafka, f"email: ['{url}']"):
            await tell(kafka, step)
            outcome = await notified(kafka, step)
    assert isinstance(outcome, NotificationSent)
    (mail,) = mailbox.messages
    assert mail["Subject"] == "Legal threat: a conversation needs somebody"
    assert step.conversation in mail.as_string().replace("=\n", "")


async def test_a_sink_that_fails_is_tried_again_and_only_that_one(kafka: str) -> None:
    step = new_step()
    async with open_sink() as bad, open_sink() as good:
        bad.failures = 2
        async with notifying(kafka, f"chat: ['{bad.url}', '{good.url}']"):
            await tell(kafka, step)
            outcome = await notified(kafka, step)
    assert isinstance(outcome, NotificationSent)
    assert (outcome.addresses, outcome.attempts) == (2, 3)
    assert [len(sink.about(step)) for sink in (bad, good)] == [1, 1]


async def test_a_sink_that_goes_on_failing_is_an_event_and_a_metric(kafka: str) -> None:
    step, before = new_step(), failures("chat")
    async with open_sink() as bad, open_sink() as good:
        bad.failures = 1000
        async with notifying(kafka, f"chat: ['{bad.url}', '{good.url}']", notify_minutes=0.03):
            await tell(kafka, step)
            outcome = await notified(kafka, step)
    assert isinstance(outcome, NotificationFailed)
    assert (outcome.addresses, outcome.reached) == (2, 1)
    assert outcome.reason == "1 of 2 could not be told within 0.03 minutes"
    assert failures("chat") == before + 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"channel": "pager"}, "TENFOUR_NOTIFY_CHANNELS has no channel pager"),
        ({"team": "sales"}, "TENFOUR_NOTIFY_CHANNELS has nobody on chat for role lead of team sales"),
    ],
)
async def test_where_nobody_can_be_told_it_says_why(kafka: str, changed: dict[str, str], reason: str) -> None:
    step = new_step(**changed)
    async with notifying(kafka, "chat: [{team: support, urls: ['json://127.0.0.1:1/']}]"):
        await tell(kafka, step)
        outcome = await notified(kafka, step)
    assert isinstance(outcome, NotificationFailed)
    assert (outcome.reason, outcome.attempts) == (reason, 0)


async def test_who_was_told_is_not_told_again_after_a_restart_nor_of_steps_that_ask_for_nobody(kafka: str) -> None:
    step = new_step()
    async with open_sink() as sink:
        async with notifying(kafka, f"chat: ['{sink.url}']"):
            await tell(kafka, step)
            await notified(kafka, step)
        kinds: tuple[EscalationKind, ...] = ("acknowledged", "at_last_step", "closed")
        ended = [new_step(kind=kind, conversation=step.conversation) for kind in kinds]
        climbed = new_step(kind="climbed", conversation=step.conversation, step=2)
        async with notifying(kafka, f"chat: ['{sink.url}']"):
            await tell(kafka, step, *ended, climbed)
            await notified(kafka, climbed)
    assert [message["title"].split(": ")[1] for message in sink.about(step)] == [
        "a conversation needs somebody",
        "a conversation needs somebody still",
    ]


async def test_nobody_is_woken_for_what_happened_long_ago(kafka: str) -> None:
    step = new_step()
    async with open_sink() as sink, notifying(kafka, f"chat: ['{sink.url}']", notify_minutes=30):
        await tell(kafka, step, minutes_ago=31)
        outcome = await notified(kafka, step)
    assert isinstance(outcome, NotificationFailed)
    assert sink.about(step) == []
