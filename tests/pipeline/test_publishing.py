"""From a person's reply to the channel and back: what is public stops the clock, what isn't comes back to the desk."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from schemas.desk_events import ConversationChanged, ReplyToPublish
from schemas.desk_records import Claim, DeskInbound, Reply
from schemas.ids import derive_id
from schemas.records import AnyRecord, Tick, TimerRespond
from tests.gateway.channel_server import open_channel
from tests.pipeline.harness import Outcome, Workers, outcome, run_pipeline, undisturbed
from tests.pipeline.test_desk import DESK_STAGES, LATER, PEOPLE, command, write_inbox
from tests.pipeline.traffic import conversations, records

PATIENCE_S = 120


async def told(workers: Workers, *kinds: str) -> Outcome:
    """All that is on the topics, once the desk has told of each of these."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await outcome(workers.bootstrap)
                if set(kinds) <= {change.kind for change in changes(found)}:
                    return found
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(" | ".join(workers.log(name) for name in workers.running)) from None


def changes(found: Outcome) -> list[ConversationChanged]:
    return [record for record in found.records["desk-events"] if isinstance(record, ConversationChanged)]


async def test_a_reply_goes_to_the_channel_and_its_outcome_comes_back(workers: Workers) -> None:
    traffic = [found for found in conversations(40, seed=21) if found.answered_after is None]
    first = await run_pipeline(workers, records(traffic), undisturbed, stages=DESK_STAGES)
    inbox = [record for record in first.records["desk-inbox"] if isinstance(record, DeskInbound)]
    well, badly = [inbound for inbound in inbox if not inbound.needs_review][:2]
    entries: list[tuple[str | None, AnyRecord]] = [(None, PEOPLE[0])]
    for inbound in (well, badly):
        claim = command(inbound.conversation, PEOPLE[0].id, Claim())
        token = derive_id("claim_token", claim[1].id)
        reply = Reply(token=token, last_inbound=inbound.mention, text="On its way.")
        entries += [claim, command(inbound.conversation, PEOPLE[0].id, reply)]
    refused = derive_id("reply", entries[-1][1].id)  # type: ignore[union-attr]
    async with open_channel() as channel:
        channel.will(refused, "refuse")
        workers.environment["TENFOUR_PUBLISH_URL"] = channel.url
        workers.start("publish")
        await write_inbox(workers.bootstrap, [*entries, (None, Tick(at=LATER + timedelta(minutes=1)))])
        found = await told(workers, "reply_published", "reply_failed")
    handed = {r.id: r for r in found.records["desk-events"] if isinstance(r, ReplyToPublish)}
    assert {reply.conversation for reply in handed.values()} == {well.conversation, badly.conversation}
    published, failed = ([c for c in changes(found) if c.kind == kind] for kind in ("reply_published", "reply_failed"))
    assert [(c.conversation, c.waiting) for c in published] == [(well.conversation, False)]
    assert [(c.conversation, c.waiting, c.owner) for c in failed] == [(badly.conversation, True, PEOPLE[0].id)]
    assert channel.copies() == {published[0].reply: 1}
    for topic in ("sla-timer", "desk-inbox"):
        answers = [r for r in found.records[topic] if isinstance(r, TimerRespond) and r.desk_reply is not None]
        assert [answer.desk_reply for answer in answers] == [published[0].reply]
