"""The product's topics on the Kafka that tests share. Their names are fixed: a test knows its records by their key."""

import asyncio

import pytest
from aiokafka import ConsumerRecord

from streams.reading import read_to_end
from streams.settings import Settings
from streams.topics import apply_topics

SETTINGS = Settings()


@pytest.fixture(scope="session")
def kafka(bootstrap: str) -> str:
    """The address of a Kafka that has the product's topics."""
    asyncio.run(apply_topics(bootstrap, partitions=SETTINGS.partitions, replication=SETTINGS.replication))
    return bootstrap


async def records_of(kafka: str, topic: str, conversation: str) -> list[ConsumerRecord]:
    """What stands on the topic for a conversation."""
    return [record async for record in read_to_end(kafka, [topic]) if record.key == conversation.encode()]
