"""`mentions-classified` -> `sla-timer`, then `mentions-routed` and `desk-inbox`: each mention's owner and clock."""

from __future__ import annotations

import time

from agents.keep_policies import write_policy
from domain.policy import Policy
from domain.routing import respond, route
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode
from schemas.desk_records import DeskInbound
from schemas.records import ClassifiedMention, PublicReply, RoutedMention, Tick, TimerRespond, TimerStart
from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch
from streams.settings import Settings
from streams.stages import Stage
from streams.topics import DESK_INBOX, MENTIONS_CLASSIFIED, MENTIONS_ROUTED, SLA_TIMER

STAGE = "route"
SOURCE = f"/tenfour/{STAGE}"
_CODEC = Codec[ClassifiedMention | PublicReply | Tick](ClassifiedMention, PublicReply, Tick)


class RouteMentions:
    """The rule is `domain.routing`; this decodes, asks it, and addresses what it says."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def decide(self, batch: RecordBatch) -> list[Outbox]:
        """The timers first, so that no mention is ever routed without its clock; then the routed mentions, for those
        who read of them and for the desk."""
        timers, routed = Outbox(), Outbox()
        for record in batch.records:
            try:
                self._route(record, batch.partition, timers, routed)
            except ValueError as error:
                add_dead_letter(timers, STAGE, record, error)
        return [timers, routed]

    def _route(self, record: ReceivedRecord, partition: int, timers: Outbox, routed: Outbox) -> None:
        found = _CODEC.decode(record.value)
        to_timer, to_desk = timers.to(SLA_TIMER.name, partition), routed.to(DESK_INBOX.name, partition)
        if isinstance(found, Tick):
            tick = OutgoingRecord(record.key, record.value, list(record.headers), record.timestamp)
            to_timer.append(tick)
            to_desk.append(tick)
        elif isinstance(found, PublicReply):
            answer = _outgoing(respond(found), record)
            to_timer.append(answer)
            to_desk.append(answer)
        else:
            decided = route(found, self._policy)
            if decided.timer is not None:
                to_timer.append(_outgoing(decided.timer, record))
            if decided.mention is not None:
                routed.to(MENTIONS_ROUTED.name, partition).append(_outgoing(decided.mention, record))
            if decided.desk is not None:
                to_desk.append(_outgoing(decided.desk, record))


def route_stage(policy: Policy) -> Stage:
    """The policy is on record before the first decision names it."""

    async def keep_policy(settings: Settings) -> None:
        await write_policy(policy, settings, int(time.time() * 1000))

    return Stage(STAGE, MENTIONS_CLASSIFIED, decide=RouteMentions(policy).decide, before_start=keep_policy)


def _outgoing(record: TimerStart | TimerRespond | RoutedMention | DeskInbound, cause: ReceivedRecord) -> OutgoingRecord:
    return OutgoingRecord(cause.key, encode(record), headers_of(record, SOURCE), cause.timestamp)
