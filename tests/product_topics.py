"""The product's topics on the Kafka that tests share. Their names are fixed: a test knows its records by their key."""

import asyncio

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.reading import read_to_end
from streams.settings import Settings
from streams.topics import Topic, apply_topics

SETTINGS = Settings()


@pytest.fixture(scope="session")
def kafka(bootstrap: str) -> str:
    """The address of a Kafka that has the product's topics."""
    asyncio.run(apply_topics(bootstrap, partitions=SETTINGS.partitions, replication=SETTINGS.replication))
    return bootstrap


async def configure(kafka: str, topic: Topic, config: dict[str, str]) -> None:
    """Sets the topic's retention and the rest of its configuration, as somebody would by hand; returns when the cluster
    shows it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=config)
        await admin.alter_configs([resource])
        # The cluster answers before all of it knows
        while config["retention.ms"] not in str(await admin.describe_configs([resource])):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def records_of(kafka: str, topic: str, conversation: str) -> list[ConsumerRecord]:
    """What stands on the topic for a conversation."""
    return [record async for record in read_to_end(kafka, [topic]) if record.key == conversation.encode()]
