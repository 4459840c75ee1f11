"""The HTTP gateway against a real broker."""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

from gateway.intake import new_gateway
from gateway.intake_forms import MAX_POSTS, MentionForm, ReplyForm
from schemas.codecs import decode
from schemas.ids import conversation_key, mention_id, public_reply_id
from schemas.records import Mention, PublicReply
from streams.embedded_broker import start_broker
from streams.partitions import partition_of
from streams.settings import Settings
from streams.topics import MENTIONS_RAW, apply_topics
from streams.writing import WriteFailed, open_producer
from tests.gateway.intake_client import NOW, caller, clock, post
from tests.kafka_broker import HEAP_MB
from tests.product_topics import SETTINGS, records_of

RAW = MENTIONS_RAW.name
JSON = {"Content-Type": "application/json"}


def key_of(given: dict[str, Any]) -> str:
    return conversation_key(given["brand"], given["channel"], given["thread"])


def problems(answer: httpx.Response) -> dict[str, str]:
    """Problem by field of a refusal."""
    assert answer.status_code == 422, answer.text
    return {item["field"]: item["problem"] for item in answer.json()["fields"]}


async def test_an_accepted_mention_stands_on_its_conversations_partition(kafka: str) -> None:
    given = post(text="where is my order?")
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", json=given)
    identity = mention_id(given["brand"], given["channel"], given["post"])
    assert (answer.status_code, answer.json()) == (
        202,
        {"accepted": [{"id": identity, "conversation": key_of(given)}]},
    )
    (record,) = await records_of(kafka, RAW, key_of(given))
    mention = decode(record.value)
    assert isinstance(mention, Mention)
    assert (mention.id, mention.text) == (identity, "where is my order?")
    assert record.partition == partition_of(key_of(given).encode(), SETTINGS.partitions)


async def test_the_received_time_is_the_gateways_own(kafka: str) -> None:
    given = post()
    async with caller(kafka) as client:
        await client.post("/v1/mentions", json=given)
    (record,) = await records_of(kafka, RAW, key_of(given))
    mention = decode(record.value)
    assert isinstance(mention, Mention)
    assert mention.received_at == datetime.fromtimestamp(NOW, UTC)
    assert record.timestamp == int(NOW * 1000)


async def test_a_mention_carries_the_attributes_of_a_cloud_event(kafka: str) -> None:
    given = post()
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", json=given)
    (record,) = await records_of(kafka, RAW, key_of(given))
    headers = dict(record.headers)
    assert headers["ce_id"].decode() == answer.json()["accepted"][0]["id"]
    assert (headers["ce_type"], headers["ce_source"]) == (b"tenfour.mention.v1", b"/tenfour/gateway")


async def test_a_reply_of_the_brand_becomes_a_public_reply(kafka: str) -> None:
    given = post(author="@Acme")
    async with caller(kafka) as client:
        answer = await client.post("/v1/replies", json=given)
    assert answer.status_code == 202
    (record,) = await records_of(kafka, RAW, key_of(given))
    reply = decode(record.value)
    assert isinstance(reply, PublicReply)
    assert reply.id == public_reply_id(given["brand"], given["channel"], given["post"])


async def test_a_list_is_accepted_in_its_order(kafka: str) -> None:
    given = [post() for _ in range(20)]
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", json=given)
    assert [item["conversation"] for item in answer.json()["accepted"]] == [key_of(one) for one in given]


async def test_posts_of_a_conversation_keep_their_order_in_the_log(kafka: str) -> None:
    thread = post()["thread"]
    given = [post(thread=thread, text=f"number {number}") for number in range(50)]
    async with caller(kafka) as client:
        await client.post("/v1/mentions", json=given)
    found = [json.loads(record.value)["text"] for record in await records_of(kafka, RAW, key_of(given[0]))]
    assert found == [one["text"] for one in given]


async def test_a_post_sent_twice_has_the_same_id(kafka: str) -> None:
    given = post()
    async with caller(kafka) as client:
        first = await client.post("/v1/mentions", json=given)
        second = await client.post("/v1/mentions", json=[given])
    assert first.json() == second.json()


async def test_a_posted_time_in_the_future_is_taken_as_it_is(kafka: str) -> None:
    given = post(posted_at="2091-01-01T00:00:00+02:00")
    async with caller(kafka) as client:
        assert (await client.post("/v1/mentions", json=given)).status_code == 202
    (record,) = await records_of(kafka, RAW, key_of(given))
    assert json.loads(record.value)["posted_at"] == "2090-12-31T22:00:00Z"


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        ({"mood": "bad"}, "mood", "leave it out"),
        ({"text": ...}, "text", "is missing"),
        ({"text": 5}, "text", "string"),
        ({"text": "x" * 100_001}, "text", "at most 100000 characters"),
        ({"text": "before\0after"}, "text", "NUL"),
        ({"brand": ""}, "brand", "at least 1 character"),
        ({"thread": "\0"}, "thread", "NUL"),
        ({"posted_at": "2023-11-14T22:00:00"}, "posted_at", "append one, such as Z"),
        ({"posted_at": 1_700_000_000}, "posted_at", "2024-05-01T12:00:00Z"),
        ({"posted_at": "1700000000"}, "posted_at", "2024-05-01T12:00:00Z"),
        ({"posted_at": "0001-01-01T00:00:00+10:00"}, "posted_at", "outside the years"),
        ({"url": "javascript:alert(1)"}, "url", "https://"),
        ({"author_followers": -1}, "author_followers", "greater than or equal to 0"),
        ({"author_followers": True}, "author_followers", "integer"),
        ({"author_verified": "yes"}, "author_verified", "boolean"),
        ({"id": "mine"}, "id", "leave it out"),
        ({"received_at": "2023-11-14T22:00:00Z"}, "received_at", "leave it out"),
    ],
)
async def test_a_wrong_field_is_named_with_what_to_do(
    kafka: str, changed: dict[str, Any], field: str, told: str
) -> None:
    async with caller(kafka) as client:
        found = problems(await client.post("/v1/mentions", json=post(**changed)))
    assert list(found) == [field]
    assert told in found[field]


async def test_a_wrong_field_in_a_list_is_named_by_its_place_and_nothing_is_taken(kafka: str) -> None:
    good, bad = post(), post(posted_at="yesterday")
    async with caller(kafka) as client:
        assert list(problems(await client.post("/v1/mentions", json=[good, bad]))) == ["1.posted_at"]
    assert await records_of(kafka, RAW, key_of(good)) == []


async def test_half_a_surrogate_pair_is_refused(kafka: str) -> None:
    body = json.dumps(post(text="half: HERE")).replace("HERE", "\\ud83d").encode()
    async with caller(kafka) as client:
        assert "surrogate" in problems(await client.post("/v1/mentions", content=body, headers=JSON))["text"]


async def test_the_name_of_an_unknown_field_is_cut(kafka: str) -> None:
    async with caller(kafka) as client:
        found = problems(await client.post("/v1/mentions", json=post(**{"x" * 1000: 1})))
    assert list(found) == ["x" * 64]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"5",
        b'"text"',
        b"[[]]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"brand": ' + b"9" * 10_000 + b"}",
        b'{"brand": NaN}',
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_what_is_no_mention_is_refused(kafka: str, body: bytes) -> None:
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["error"]


async def test_json_without_its_content_type_is_refused_with_a_hint(kafka: str) -> None:
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", content=json.dumps(post()), headers={"Content-Type": "text/plain"})
    assert "Content-Type: application/json" in problems(answer)["body"]


async def test_more_posts_than_allowed_are_refused(kafka: str) -> None:
    async with caller(kafka) as client:
        found = problems(await client.post("/v1/mentions", json=[post()] * (MAX_POSTS + 1)))
    assert str(MAX_POSTS) in found["body"]


async def test_a_brand_that_the_policy_does_not_name_is_refused(kafka: str) -> None:
    given = [post(brand="Acme"), post(brand="Other")]
    async with caller(kafka, brands=frozenset({"Acme"})) as client:
        assert list(problems(await client.post("/v1/mentions", json=given))) == ["1.brand"]


async def test_a_refusal_never_quotes_the_content(kafka: str) -> None:
    given = post(text=["my secret"], author="\0secret", posted_at="secret", url="secret", mood="secret")
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", json=given)
    assert len(problems(answer)) == 5
    assert "secret" not in answer.text


async def test_no_personal_text_is_logged(kafka: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with caller(kafka) as client:
        await client.post("/v1/mentions", json=post(text="my secret"))
        await client.post("/v1/mentions", json=post(text="my secret", author_followers="secret"))
    assert "secret" not in caplog.text


async def test_a_body_that_says_it_is_too_large_is_refused(kafka: str) -> None:
    async with caller(kafka, gateway_max_bytes=1000) as client:
        answer = await client.post("/v1/mentions", json=post(text="x" * 1000))
    assert answer.status_code == 413
    assert "1000 bytes" in answer.json()["error"]


async def test_a_body_that_grows_too_large_is_refused_without_reading_for_ever(kafka: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    async with caller(kafka, gateway_max_bytes=1000) as client:
        answer = await client.post("/v1/mentions", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert sent < 20_000_000


@dataclass(frozen=True)
class FreezingKafka:
    """A Kafka that can be stopped and let go on."""

    bootstrap: str
    pid: int

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self._wait_until_it_stands()
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _wait_until_it_stands(self) -> None:
        """The signal reaches one thread after the other: until then one may answer."""
        threads = Path(f"/proc/{self.pid}/task")
        for _ in range(500):
            if all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads.glob("*/stat")):
                return
            time.sleep(0.01)
        raise AssertionError("the broker goes on in spite of SIGSTOP")


@pytest.fixture(scope="module")
def freezing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreezingKafka]:
    with start_broker(tmp_path_factory.mktemp("kafka"), heap_mb=HEAP_MB) as broker:
        asyncio.run(apply_topics(broker.bootstrap, partitions=SETTINGS.partitions, replication=1))
        yield FreezingKafka(broker.bootstrap, broker.pid)


async def test_a_post_that_the_broker_does_not_acknowledge_is_answered_503_and_taken_when_sent_again(
    freezing: FreezingKafka,
) -> None:
    given = post()
    async with caller(freezing.bootstrap, acknowledge_s=2.0) as client:
        await _until_taken(client, post())
        with freezing.frozen():
            refused = await client.post("/v1/mentions", json=given)
        taken = await _until_taken(client, given)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    found = await records_of(freezing.bootstrap, RAW, key_of(given))
    assert {json.loads(record.value)["id"] for record in found} == {taken.json()["accepted"][0]["id"]}


async def test_a_producer_that_can_write_no_more_is_reported(kafka: str) -> None:
    broken: list[WriteFailed] = []
    async with open_producer(kafka) as producer:
        app = new_gateway(producer, Settings(bootstrap=kafka), None, clock, on_broken=broken.append)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            assert (await client.post("/v1/mentions", json=post())).status_code == 202
            await producer.stop()
            assert (await client.post("/v1/mentions", json=post())).status_code == 503
    assert len(broken) == 1


async def _until_taken(client: httpx.AsyncClient, given: dict[str, Any]) -> httpx.Response:
    for _ in range(20):
        answer = await client.post("/v1/mentions", json=given)
        if answer.status_code == 202:
            return answer
        await asyncio.sleep(0.5)
    raise AssertionError(f"still {answer.status_code}")


async def test_the_gateway_is_ready_while_its_broker_answers(kafka: str) -> None:
    async with caller(kafka) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_the_gateway_is_not_ready_but_healthy_without_its_broker(freezing: FreezingKafka) -> None:
    async with caller(freezing.bootstrap) as client:
        with freezing.frozen():
            ready, healthy = await client.get("/readyz"), await client.get("/healthz")
    assert (ready.status_code, healthy.status_code) == (503, 200)


async def test_the_api_describes_its_forms_and_refusals(kafka: str) -> None:
    async with caller(kafka) as client:
        described = (await client.get("/openapi.json")).json()
    take = described["paths"]["/v1/mentions"]["post"]
    assert {"202", "401", "403", "413", "422", "503"} <= set(take["responses"])
    form = described["components"]["schemas"]["MentionForm"]
    assert form["additionalProperties"] is False
    assert "posted_at" in form["required"]


def test_the_mention_form_has_the_fields_of_the_record() -> None:
    given_by_the_gateway = {"record", "version", "id", "received_at"}
    assert set(MentionForm.model_fields) == set(Mention.model_fields) - given_by_the_gateway
    told_by_publish = {"reply"}
    assert set(ReplyForm.model_fields) == set(PublicReply.model_fields) - given_by_the_gateway - told_by_publish


def test_the_largest_request_fits_a_message_of_the_topic() -> None:
    assert Settings().gateway_max_bytes < MENTIONS_RAW.max_message_bytes


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from([*MentionForm.model_fields, "other"])
CHANGED = st.dictionaries(FIELDS, ANYTHING, max_size=2).map(lambda changed: {**post(), **changed})


@pytest.fixture(scope="module")
def status_of(kafka: str) -> Iterator[Callable[[object], int]]:
    """The status that a body is answered with."""
    with asyncio.Runner() as runner:
        gateway = caller(kafka)
        client = runner.run(gateway.__aenter__())

        async def ask(body: object) -> int:
            return (await client.post("/v1/mentions", content=json.dumps(body), headers=JSON)).status_code

        yield lambda body: runner.run(ask(body))
        runner.run(gateway.__aexit__(None, None, None))


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(body=st.one_of(ANYTHING, CHANGED, st.lists(CHANGED, max_size=3)))
def test_whatever_is_sent_is_taken_or_refused(status_of: Callable[[object], int], body: object) -> None:
    assert status_of(body) in (202, 422)
