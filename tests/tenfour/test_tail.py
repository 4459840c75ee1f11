"""`tenfour tail` against a real broker."""

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import time
import uuid
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from schemas.codecs import encode
from schemas.ids import mention_id
from schemas.records import Mention, Tick
from streams.record_batches import OutgoingRecord
from streams.topics import DEAD_LETTERS, MENTIONS_RAW, TopicError
from streams.writing import open_producer, write_records
from tenfour.shown_records import shown_records
from tests.tenfour.command import ROOT, Ended, environment, tenfour

RAW = MENTIONS_RAW.name


def mention(text: str = "where is it?") -> Mention:
    name = uuid.uuid4().hex
    return Mention.model_validate_json(
        json.dumps(
            {
                "id": mention_id("Acme", "tail", name),
                "brand": "Acme",
                "channel": "tail",
                "thread": name,
                "post": name,
                "author": "@someone",
                "text": text,
                "posted_at": "2024-05-01T12:00:00Z",
                "received_at": "2024-05-01T12:00:01Z",
            }
        )
    )


async def write(kafka: str, *values: bytes, key: bytes | None = b"key", topic: str = RAW) -> None:
    async with open_producer(kafka) as producer:
        await write_records(producer, topic, 0, [_outgoing(key, value) for value in values])


def _outgoing(key: bytes | None, value: bytes) -> OutgoingRecord:
    return OutgoingRecord(key, value, [], int(time.time() * 1000))


async def shown(kafka: str, topic: str = RAW) -> list[Any]:
    return [record async for record in shown_records(kafka, topic, from_start=True, follow=False)]


async def test_records_are_shown_decoded_with_their_place(kafka: str) -> None:
    given = mention()
    await write(kafka, encode(given), key=b"tail")
    found = _json_lines(tenfour("tail", RAW, "--no-follow", KAFKA_BOOTSTRAP=kafka))
    (item,) = [item for item in found if item.get("record", {}).get("id") == given.id]
    assert (item["topic"], item["partition"], item["key"]) == (RAW, 0, "tail")
    assert item["record"] == given.model_dump(mode="json")


async def test_what_can_not_be_decoded_is_shown_as_such(kafka: str) -> None:
    junk = b"\xff no record " + uuid.uuid4().bytes
    await write(kafka, junk)
    (found,) = [record.as_json() for record in await shown(kafka) if record.value == junk]
    assert found["undecodable"]
    assert b64decode(found["value"]) == junk
    assert "record" not in found


async def test_ticks_are_shown_only_when_asked_for(kafka: str) -> None:
    at = "1999-01-01T00:00:00Z"
    await write(kafka, encode(Tick.model_validate_json(json.dumps({"at": at}))), key=None)

    def ticks(*options: str) -> list[dict[str, Any]]:
        lines = _json_lines(tenfour("tail", RAW, "--no-follow", *options, KAFKA_BOOTSTRAP=kafka))
        return [line for line in lines if line.get("record", {}).get("at") == at]

    assert ticks() == []
    assert len(ticks("--ticks")) >= 1


async def test_it_ends_after_the_count(kafka: str) -> None:
    await write(kafka, *[encode(mention()) for _ in range(3)])
    ended = tenfour("tail", RAW, "--from-start", "--count", "2", KAFKA_BOOTSTRAP=kafka)
    assert ended.status == 0
    assert len(_json_lines(ended)) == 2


async def test_by_default_only_what_comes_is_shown(kafka: str) -> None:
    await write(kafka, encode(mention("before")))
    program = [sys.executable, "-m", "tenfour.main", "tail", RAW, "--count", "1"]
    with subprocess.Popen(program, env=environment(KAFKA_BOOTSTRAP=kafka), cwd=ROOT, stdout=subprocess.PIPE) as tail:
        while tail.poll() is None:
            await write(kafka, encode(mention("after")))
            await asyncio.sleep(0.2)
        assert tail.stdout is not None
        assert json.loads(tail.stdout.read())["record"]["text"] == "after"


async def test_records_of_an_aborted_transaction_are_not_shown(kafka: str) -> None:
    before = len(await shown(kafka, DEAD_LETTERS.name))
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"tail-{uuid.uuid4().hex}")
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(DEAD_LETTERS.name, b"{}", partition=0)
        await producer.abort_transaction()
    finally:
        await producer.stop()
    assert len(await shown(kafka, DEAD_LETTERS.name)) == before


async def test_a_terminal_shows_text_that_can_not_steer_it(kafka: str) -> None:
    given = mention("clear\x1b[2J and \x9b2J and \u202ereversed")
    await write(kafka, encode(given))
    (record,) = [record for record in await shown(kafka) if record.record == given]
    text = record.record_json()
    assert [character for character in "\x1b\x9b\u202e" if character in text] == []
    assert json.loads(text)["text"] == given.text


async def test_a_terminal_gets_indented_records(kafka: str) -> None:
    await write(kafka, encode(mention()))
    text = _in_terminal("tail", RAW, "--from-start", "--count", "1", KAFKA_BOOTSTRAP=kafka)
    assert f"{RAW} " in text.splitlines()[0]
    assert len(text.splitlines()) > 1


def test_an_unknown_topic_is_refused_with_the_known_ones() -> None:
    ended = tenfour("tail", "mentions-rwa")
    assert ended.status == 1
    assert ended.err.startswith("tenfour: no topic 'mentions-rwa'; topics are mentions-raw, ")


async def test_a_topic_that_the_cluster_has_not_is_told(kafka: str) -> None:
    with pytest.raises(TopicError, match="no topic no-such-topic: create what is missing"):
        await shown(kafka, "no-such-topic")


def test_a_reader_that_goes_away_ends_it_quietly(kafka: str, tmp_path: Path) -> None:
    program = f"{sys.executable} -m tenfour.main tail {RAW} --from-start --no-follow | head -c 1"
    ended = subprocess.run(
        program, shell=True, env=environment(KAFKA_BOOTSTRAP=kafka), cwd=ROOT, capture_output=True, timeout=60
    )
    assert ended.stderr == b""


def _json_lines(ended: Ended) -> list[dict[str, Any]]:
    assert ended.status == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


def _in_terminal(*arguments: str, **settings: str) -> str:
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "tenfour.main", *arguments]
    with subprocess.Popen(program, env=environment(TERM="xterm", **settings), cwd=ROOT, stdout=theirs) as process:
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                written += os.read(ours, 65_536)
            except OSError:  # the other end is closed
                break
        process.wait(60)
    os.close(ours)
    return written.decode()
