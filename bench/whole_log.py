"""The whole log in memory: what every stage would write, by the stages' own rules, without Kafka."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from agents.registry import load_policy
from domain.clock import Clock, Fact
from domain.desk import Desk, Said
from domain.desk_budget import shares_of_the_response
from domain.desk_inbound import concerns_desk
from domain.desk_turn import Rules
from domain.instants import to_ms
from domain.routing import respond, route
from domain.typing_rules import classified_mention
from schemas.codecs import encode
from schemas.desk_records import DeskCommand, Person
from schemas.ids import conversation_key
from schemas.records import (
    AnyRecord,
    Classification,
    ClassifiedMention,
    Mention,
    PublicReply,
    RoutedMention,
    SlaEvent,
    Tick,
)
from streams.topics import (
    DESK_EVENTS,
    DESK_INBOX,
    MENTIONS_CLASSIFIED,
    MENTIONS_RAW,
    MENTIONS_ROUTED,
    SLA_EVENTS,
    Topic,
)

POLICY: Final = load_policy(Path(__file__).parent.parent / "policy.yaml")


class Written(NamedTuple):
    """A record as a consumer gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


@dataclass
class WholeLog:
    """One partition of every topic, in the order in which the records were written."""

    records: list[Written] = field(default_factory=list)
    now: int = 0
    """Of the last tick, in milliseconds since 1970."""
    _ends: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        policies, time = {POLICY.version: POLICY}, POLICY.time
        self.clock = Clock(time)
        self.desk = Desk(lambda people: Rules(policies.__getitem__, time, people, shares_of_the_response(time)))

    def mention(self, mention: Mention, found: Classification) -> None:
        """Taken in, classified as is found, routed, timed, and told to the desk."""
        self.write(MENTIONS_RAW, mention)
        self.classified(classified_mention(mention, found))

    def classified(self, classified: ClassifiedMention) -> None:
        self.write(MENTIONS_CLASSIFIED, classified)
        routed = route(classified, POLICY)
        if routed.mention is not None:
            self.write(MENTIONS_ROUTED, routed.mention)
        if routed.timer is not None:
            self._time(routed.timer)
        if routed.desk is not None:
            self.say(routed.desk)

    def reply(self, reply: PublicReply) -> None:
        self.write(MENTIONS_RAW, reply)
        self.write(MENTIONS_CLASSIFIED, reply)
        self._time(respond(reply))
        self.say(respond(reply))

    def tick(self, tick: Tick) -> None:
        self.now = to_ms(tick.at)
        for topic in (MENTIONS_RAW, MENTIONS_CLASSIFIED):
            self.write(topic, tick)
        self._time(tick)
        self.say(tick)

    def say(self, said: Said | Person | Tick) -> list[AnyRecord]:
        """To the desk; gives what it tells."""
        self.write(DESK_INBOX, said)
        step = self.desk.fold(said)
        for event in step.events:
            self.write(DESK_EVENTS, event)
        for timer in step.timers:
            self._time(timer)
        return list(step.events)

    def command(self, command: DeskCommand) -> list[AnyRecord]:
        return self.say(command)

    def write(self, topic: Topic, record: AnyRecord) -> None:
        offset = self._ends[topic.name]
        self._ends[topic.name] += 1
        key = _key_of(record)
        self.records.append(Written(topic.name, 0, offset, key, encode(record), [], self.now))

    def _time(self, fact: Fact | Tick) -> None:
        for event in self.clock.fold(fact):
            self._verdict(event)

    def _verdict(self, event: SlaEvent) -> None:
        self.write(SLA_EVENTS, event)
        if concerns_desk(event):
            self.say(event)


def _key_of(record: AnyRecord) -> bytes | None:
    post = record.mention if isinstance(record, ClassifiedMention | RoutedMention) else record
    if isinstance(post, Mention | PublicReply):
        return conversation_key(post.brand, post.channel, post.thread).encode()
    conversation = getattr(record, "conversation", None)
    return None if conversation is None else str(conversation).encode()
