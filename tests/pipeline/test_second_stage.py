"""Two models in the classify stage on a real Kafka: what the second reads again, and what it leaves under load."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from bench.free_ports import free_port
from schemas.codecs import encode
from schemas.ids import conversation_key
from schemas.records import ClassifiedMention, Mention
from streams.partitions import partition_of
from streams.topics import apply_topics
from tests.pipeline.harness import (
    PARTITIONS,
    Outcome,
    Workers,
    metrics_of,
    run_pipeline,
    undisturbed,
    write_raw,
)
from tests.pipeline.traffic import COMPLAINT, EPOCH, complaint

CLASSIFY = ("classify",)
TEXTS = (COMPLAINT, "so is this any better than the last one lol", "", "Thank you, you were brilliant today!")


@pytest.fixture(autouse=True)
def second_model(workers: Workers) -> None:
    """The shipped model twice: what it reads again it reads as before, and only the names tell."""
    workers.environment |= {"TENFOUR_SECOND_MODEL": "models/mentions", "TENFOUR_SECOND_STAGE_SHARE": "1"}


def mentions(name: str, count: int) -> list[Mention]:
    return [
        complaint(f"{name}-{number}", EPOCH + timedelta(seconds=number), TEXTS[number % len(TEXTS)])
        for number in range(count)
    ]


def raw(post: Mention) -> tuple[int, bytes, bytes]:
    key = conversation_key(post.brand, post.channel, post.thread).encode()
    return partition_of(key, PARTITIONS), key, encode(post)


def classified(ran: Outcome) -> list[ClassifiedMention]:
    return [record for record in ran.records["mentions-classified"] if isinstance(record, ClassifiedMention)]


def read_again(found: ClassifiedMention) -> bool:
    return " > " in found.classification.model


def modes(ran: Outcome, name: str) -> Counter[str]:
    return Counter(found.classification.mode for found in classified(ran) if found.mention.thread.startswith(name))


async def test_doubtful_mentions_are_read_again_and_say_so(workers: Workers) -> None:
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    port = free_port()
    workers.environment["TENFOUR_METRICS_PORT"] = str(port)
    posts = mentions("calm", 40)
    ran = await run_pipeline(workers, posts, undisturbed, stages=CLASSIFY, restart=False)
    assert {found.mention.id for found in classified(ran)} == {post.id for post in posts}
    assert modes(ran, "calm") == {"two_stage": 40}
    for found in classified(ran):
        assert read_again(found) is (found.mention.text != "")
    seen = metrics_of(port)
    assert seen["tenfour_texts_read_again_total"] == 30
    assert seen['tenfour_classifier_mode{mode="two_stage"}'] == 1
    assert seen['tenfour_classifier_mode{mode="second_skipped"}'] == 0


async def test_a_backlog_is_read_once_and_what_comes_after_it_twice_again(workers: Workers) -> None:
    workers.environment |= {
        "TENFOUR_SECOND_STAGE_LAG_HIGH": "150",
        "TENFOUR_SECOND_STAGE_LAG_LOW": "60",
        "TENFOUR_CLASSIFY_POLL_RECORDS": "20",
    }
    ran = await run_pipeline(workers, mentions("heap", 600), undisturbed, stages=CLASSIFY, restart=False, backlog=True)
    heap = modes(ran, "heap")
    assert heap["second_skipped"] > 300
    assert heap.total() == 600
    await write_raw(workers.bootstrap, [raw(post) for post in mentions("later", 4)])  # without a replay's many ticks
    ran = await run_pipeline(workers, [], undisturbed, stages=CLASSIFY, restart=False)
    assert modes(ran, "later") == {"two_stage": 4}
    for found in classified(ran):
        assert read_again(found) is (found.classification.mode == "two_stage" and found.mention.text != "")
