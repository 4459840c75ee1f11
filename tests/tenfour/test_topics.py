"""`tenfour topics` against a real broker."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from streams.topics import MENTIONS_ROUTED, TOPICS
from tests.product_topics import configure
from tests.tenfour.command import tenfour


@pytest.fixture
def changed_retention(kafka: str) -> Iterator[str]:
    """A Kafka where someone has changed a topic by hand."""
    asyncio.run(configure(kafka, MENTIONS_ROUTED, {**MENTIONS_ROUTED.config(1), "retention.ms": "1000000000"}))
    yield kafka
    asyncio.run(configure(kafka, MENTIONS_ROUTED, MENTIONS_ROUTED.config(1)))


def test_topics_as_declared_leave_nothing_to_do(kafka: str) -> None:
    ended = tenfour("topics", "diff", KAFKA_BOOTSTRAP=kafka)
    assert (ended.status, ended.out) == (0, "every topic is as declared\n")


def test_a_difference_is_shown_and_gives_status_1(changed_retention: str) -> None:
    ended = tenfour("topics", "diff", "--json", KAFKA_BOOTSTRAP=changed_retention)
    wanted = MENTIONS_ROUTED.config(1)["retention.ms"]
    assert ended.status == 1
    assert json.loads(ended.out) == [{"topic": "mentions-routed", "change": f"retention.ms: 1000000000 -> {wanted}"}]


def test_applying_mends_a_difference(changed_retention: str) -> None:
    assert "retention.ms" in tenfour("topics", "apply", KAFKA_BOOTSTRAP=changed_retention).out
    assert tenfour("topics", "diff", KAFKA_BOOTSTRAP=changed_retention).status == 0


def test_the_list_has_every_topic_with_its_partitions(kafka: str) -> None:
    listed = json.loads(tenfour("topics", "list", "--json", KAFKA_BOOTSTRAP=kafka).out)
    assert [topic["topic"] for topic in listed] == [topic.name for topic in TOPICS]
    assert {topic["partitions"] for topic in listed} == {8}


def test_the_table_is_for_people(kafka: str) -> None:
    lines = tenfour("topics", "list", KAFKA_BOOTSTRAP=kafka).out.splitlines()
    assert any(line.split()[:4] == ["mentions-raw", "8", "7", "days"] for line in lines)


def test_another_number_of_partitions_is_refused_in_one_line(kafka: str) -> None:
    ended = tenfour("topics", "apply", KAFKA_BOOTSTRAP=kafka, TENFOUR_PARTITIONS="3")
    assert ended.status == 1
    assert "Set TENFOUR_PARTITIONS=8" in ended.err
    assert len(ended.err.splitlines()) == 1
