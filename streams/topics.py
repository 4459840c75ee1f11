"""Every topic, declared once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.desk_events import ConversationChanged, DeskAnswer, EscalationChanged, ReplyToPublish
from schemas.desk_records import DeskCommand, DeskInbound, Person
from schemas.incident_records import IncidentChanged, IncidentCommand, IncidentProposed
from schemas.outcomes import NotificationFailed, NotificationSent, PublishIntent, PublishOutcome, ReplyOutcome
from schemas.records import (
    ClassifiedMention,
    CountedUntil,
    DeadLetter,
    Mention,
    MentionCount,
    PolicyVersion,
    PublicReply,
    Record,
    RoutedMention,
    SlaEvent,
    SpikeDetected,
    Tick,
    TimerCancel,
    TimerOwner,
    TimerRespond,
    TimerStart,
    TimerStop,
    TimerSupersede,
)

DAY_MS: Final = 24 * 60 * 60 * 1000
MIB: Final = 1024 * 1024
SETTLE_POLL_S: Final = 0.05
SETTLE_TRIES: Final = 200


class TopicError(RuntimeError):
    """The cluster's topics are not as declared; the text says which, and what to do."""


@dataclass(frozen=True)
class Topic:
    """One topic. `retention_days` is None where compaction keeps the last value of each key."""

    name: str
    key: str
    records: tuple[type[Record], ...]
    owner: str
    """Who writes it."""
    retention_days: int | None
    max_message_bytes: int = 2 * MIB

    def config(self, replication: int) -> dict[str, str]:
        """Kafka's settings of the topic."""
        common = {
            "max.message.bytes": str(self.max_message_bytes),
            "min.insync.replicas": str(2 if replication >= 3 else 1),
        }
        if self.retention_days is None:
            return {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.2"} | common
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)} | common


MENTIONS_RAW = Topic(
    "mentions-raw",
    "conversation; none for ticks",
    (Mention, PublicReply, Tick),
    "gateway, publish, replay, classify (ticks)",
    7,
    max_message_bytes=4 * MIB,
)
MENTIONS_CLASSIFIED = Topic(
    "mentions-classified",
    "conversation; none for ticks",
    (ClassifiedMention, PublicReply, Tick),
    "classify",
    30,
)
MENTIONS_ROUTED = Topic("mentions-routed", "conversation", (RoutedMention,), "route", 90)
SLA_TIMER = Topic(
    "sla-timer",
    "conversation; none for ticks",
    (TimerStart, TimerRespond, TimerStop, TimerCancel, TimerSupersede, TimerOwner, Tick),
    "route, desk, tenfour sla",
    14,
)
POLICIES = Topic("policies", "content hash of the policy", (PolicyVersion,), "route", None)
SLA_EVENTS = Topic(
    "sla-events",
    "conversation; brand for spikes",
    (SlaEvent, SpikeDetected),
    "deadlines, spikes",
    90,
)
DEADLINES_STATE = Topic("deadlines-state", "conversation, or the tick's own key", (), "deadlines", None)
MENTION_COUNTS = Topic("mention-counts", "brand; none for time", (MentionCount, CountedUntil), "count", 2)
COUNT_STATE = Topic("count-state", "its only one", (), "count", None)
SPIKES_STATE = Topic("spikes-state", "a window's part, a spike, or time", (), "spikes", None)
DESK_INBOX = Topic(
    "desk-inbox",
    "conversation; none for ticks and people",
    (DeskInbound, SlaEvent, TimerRespond, ReplyOutcome, DeskCommand, Person, Tick),
    "route, deadlines, publish, tenfour people, whoever commands",
    30,
)
DESK_EVENTS = Topic(
    "desk-events",
    "conversation",
    (DeskAnswer, ConversationChanged, EscalationChanged, ReplyToPublish),
    "desk",
    90,
)
DESK_STATE = Topic("desk-state", "conversation, a person, or the tick's own key", (), "desk", None)
INCIDENT_INBOX = Topic(
    "incident-inbox",
    "incident:ID; none for people",
    (IncidentProposed, IncidentCommand, DeskAnswer, ConversationChanged, Person),
    "propose_incidents, desk, tenfour people, whoever commands",
    30,
)
INCIDENTS = Topic("incidents", "incident:ID", (IncidentChanged,), "incidents", 90)
INCIDENTS_STATE = Topic("incidents-state", "incident:ID, or a person", (), "incidents", None)
PEOPLE = Topic("people", "id of the person", (Person,), "tenfour people", None)
PUBLISH_LOG = Topic("publish-log", "conversation", (PublishIntent, PublishOutcome), "publish", 120)
"""Kept for longer than `desk-events`: a reply that can still be read there is known here."""
NOTIFICATIONS = Topic("notifications", "conversation", (NotificationSent, NotificationFailed), "notify", 120)
"""As long: whoever has been told is not told again."""
DEAD_LETTERS = Topic("dead-letters", "that of the record", (DeadLetter,), "every stage", 30, max_message_bytes=8 * MIB)

TOPICS: Final = (
    MENTIONS_RAW,
    MENTIONS_CLASSIFIED,
    MENTIONS_ROUTED,
    SLA_TIMER,
    SLA_EVENTS,
    DEADLINES_STATE,
    POLICIES,
    MENTION_COUNTS,
    COUNT_STATE,
    SPIKES_STATE,
    DESK_INBOX,
    DESK_EVENTS,
    DESK_STATE,
    PEOPLE,
    INCIDENT_INBOX,
    INCIDENTS,
    INCIDENTS_STATE,
    PUBLISH_LOG,
    NOTIFICATIONS,
    DEAD_LETTERS,
)


def topic_named(name: str) -> Topic:
    """Raises TopicError with the known names."""
    for topic in TOPICS:
        if topic.name == name:
            return topic
    raise TopicError(f"no topic {name!r}; topics are {', '.join(topic.name for topic in TOPICS)}")


@dataclass(frozen=True)
class TopicChange:
    """What `apply` did, or would do, to one topic."""

    topic: str
    change: str


async def apply_topics(
    bootstrap: str,
    *,
    partitions: int,
    replication: int,
    topics: Sequence[Topic] = TOPICS,
    dry_run: bool = False,
) -> list[TopicChange]:
    """Creates what is missing, sets what differs. Raises TopicError where the partition count differs: a key would
    change its partition, so that count is for life."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = await _partition_counts(admin)
        _refuse_other_partition_counts(topics, found, partitions)
        missing = [topic for topic in topics if topic.name not in found]
        present = [topic for topic in topics if topic.name in found]
        if missing and not dry_run:
            await _create(admin, missing, partitions, replication)
            await _until(partial(_has_all, admin, missing), "the new topics are not to be seen")
        changes = [TopicChange(topic.name, f"created, {partitions} partitions") for topic in missing]
        return changes + await _configure(admin, present, replication, dry_run)
    finally:
        await admin.close()


async def require_topics(bootstrap: str, *, partitions: int, topics: Sequence[Topic] = TOPICS) -> None:
    """Raises TopicError where a topic is missing or has another partition count: a stage would wait in silence."""
    found = await partition_counts(bootstrap)
    missing = [topic.name for topic in topics if topic.name not in found]
    if missing:
        raise TopicError(f"no topic {', '.join(missing)}: create what is missing with `tenfour topics apply`")
    _refuse_other_partition_counts(topics, found, partitions)


async def partition_counts(bootstrap: str) -> dict[str, int]:
    """The partitions of every topic that the cluster has, by name."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return await _partition_counts(admin)
    finally:
        await admin.close()


def _refuse_other_partition_counts(topics: Sequence[Topic], found: Mapping[str, int], partitions: int) -> None:
    for topic in topics:
        if found.get(topic.name, partitions) != partitions:
            raise TopicError(
                f"{topic.name} has {found[topic.name]} partitions, the settings say {partitions}: the count can't "
                f"change, because keys would change their partition. Set TENFOUR_PARTITIONS={found[topic.name]}, "
                "or use another cluster"
            )


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    names = [name for name in await admin.list_topics() if not name.startswith("__")]
    described = await admin.describe_topics(names) if names else []
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], partitions: int, replication: int) -> None:
    wanted = [
        NewTopic(topic.name, partitions, replication, topic_configs=topic.config(replication)) for topic in topics
    ]
    try:
        answer = await admin.create_topics(wanted)
    except TopicAlreadyExistsError:
        return  # another process was first, with the same declaration
    for name, code, *detail in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise TopicError(f"could not create {name}: {error.__name__} {detail}")


async def _configure(
    admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int, dry_run: bool
) -> list[TopicChange]:
    changes = []
    for topic in topics:
        wanted = topic.config(replication)
        current = await _current_config(admin, topic.name)
        differing = {name: value for name, value in wanted.items() if current.get(name) != value}
        if not differing:
            continue
        if not dry_run:
            # alter_configs sets the whole configuration: all that is declared goes along
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=wanted)])
            await _until(partial(_has_config, admin, topic.name, wanted), f"{topic.name} still has its old settings")
        changes += [
            TopicChange(topic.name, f"{name}: {current.get(name)} -> {value}") for name, value in differing.items()
        ]
    return changes


async def _until(done: Callable[[], Awaitable[bool]], undone: str) -> None:
    """A cluster answers before all of it knows: whoever asks next would see the old state. Raises TopicError."""
    for _ in range(SETTLE_TRIES):
        if await done():
            return
        await asyncio.sleep(SETTLE_POLL_S)
    raise TopicError(f"{undone} after {SETTLE_TRIES * SETTLE_POLL_S:.0f} s: is the cluster well?")


async def _has_all(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> bool:
    return {topic.name for topic in topics} <= set(await admin.list_topics())


async def _has_config(admin: AIOKafkaAdminClient, topic: str, wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= (await _current_config(admin, topic)).items()


async def _current_config(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
