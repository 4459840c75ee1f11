"""Topics are declared once, and applied to a real Kafka without surprises."""

from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.records import Record
from streams.topics import (
    DAY_MS,
    DEAD_LETTERS,
    MIB,
    TOPICS,
    Topic,
    TopicChange,
    TopicError,
    apply_topics,
    partition_counts,
    require_topics,
    topic_named,
)
from tests.streams.record_log import new_topic

pytestmark = pytest.mark.kafka


@pytest.fixture
def topics() -> list[Topic]:
    return [new_topic("kept"), new_topic("compacted", compacted=True)]


async def test_what_is_missing_is_created_as_declared(bootstrap: str, topics: list[Topic]) -> None:
    changes = await apply_topics(bootstrap, partitions=3, replication=1, topics=topics)
    assert changes == [TopicChange(topic.name, "created, 3 partitions") for topic in topics]
    counts = await partition_counts(bootstrap)
    assert [counts[topic.name] for topic in topics] == [3, 3]
    kept, compacted = [await config(bootstrap, topic) for topic in topics]
    assert (kept["cleanup.policy"], kept["retention.ms"]) == ("delete", str(DAY_MS))
    assert (compacted["cleanup.policy"], compacted["max.message.bytes"]) == ("compact", str(2 * MIB))


async def test_applying_again_changes_nothing(bootstrap: str, topics: list[Topic]) -> None:
    await apply_topics(bootstrap, partitions=3, replication=1, topics=topics)
    assert await apply_topics(bootstrap, partitions=3, replication=1, topics=topics) == []


async def test_a_differing_retention_is_changed_and_nothing_else(bootstrap: str, topics: list[Topic]) -> None:
    await apply_topics(bootstrap, partitions=3, replication=1, topics=topics)
    before = [await config(bootstrap, topic) for topic in topics]
    longer = [replace(topics[0], retention_days=2), topics[1]]
    changes = await apply_topics(bootstrap, partitions=3, replication=1, topics=longer)
    assert changes == [TopicChange(topics[0].name, f"retention.ms: {DAY_MS} -> {2 * DAY_MS}")]
    after = [await config(bootstrap, topic) for topic in topics]
    assert after == [before[0] | {"retention.ms": str(2 * DAY_MS)}, before[1]]


async def test_another_partition_count_is_refused_before_anything_is_created(
    bootstrap: str, topics: list[Topic]
) -> None:
    await apply_topics(bootstrap, partitions=3, replication=1, topics=topics[:1])
    with pytest.raises(TopicError) as refused:
        await apply_topics(bootstrap, partitions=4, replication=1, topics=topics)
    assert str(refused.value) == (
        f"{topics[0].name} has 3 partitions, the settings say 4: the count can't change, because keys would change "
        "their partition. Set TENFOUR_PARTITIONS=3, or use another cluster"
    )
    assert topics[1].name not in await partition_counts(bootstrap)


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(bootstrap: str, topics: list[Topic]) -> None:
    await apply_topics(bootstrap, partitions=3, replication=1, topics=topics[:1])
    longer = [replace(topics[0], retention_days=2), topics[1]]
    changes = await apply_topics(bootstrap, partitions=3, replication=1, topics=longer, dry_run=True)
    assert {change.topic for change in changes} == {topic.name for topic in topics}
    assert topics[1].name not in await partition_counts(bootstrap)
    assert (await config(bootstrap, topics[0]))["retention.ms"] == str(DAY_MS)


async def test_a_stage_is_told_which_topic_is_missing(bootstrap: str, topics: list[Topic]) -> None:
    await apply_topics(bootstrap, partitions=3, replication=1, topics=topics[:1])
    with pytest.raises(TopicError, match=f"^no topic {topics[1].name}: .*`tenfour topics apply`$"):
        await require_topics(bootstrap, partitions=3, topics=topics)


def test_a_topic_of_another_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(TopicError, match="no topic 'mentions'; topics are mentions-raw, "):
        topic_named("mentions")


def test_topics_are_declared_once() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert all(topic_named(topic.name) is topic for topic in TOPICS)


def test_every_record_has_a_topic() -> None:
    that_travel = {kind for kind in Record.__subclasses__() if "record" in kind.model_fields}
    assert {kind for topic in TOPICS for kind in topic.records} == that_travel


def test_a_dead_letter_has_room_for_the_largest_record_in_base64() -> None:
    largest = max(topic.max_message_bytes for topic in TOPICS if topic is not DEAD_LETTERS)
    assert DEAD_LETTERS.max_message_bytes > largest * 4 / 3


def test_a_cluster_of_three_needs_two_in_sync() -> None:
    assert DEAD_LETTERS.config(3)["min.insync.replicas"] == "2"
    assert DEAD_LETTERS.config(1)["min.insync.replicas"] == "1"


async def config(bootstrap: str, topic: Topic) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
        return {entry[0]: entry[1] for entry in answers[0].resources[0][4]}
    finally:
        await admin.close()
