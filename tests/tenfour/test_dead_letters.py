"""`tenfour dead-letters` against a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from typing import Any

import pytest

from schemas.codecs import UndecodableRecord
from schemas.ids import mention_id
from streams.dead_letter_replay import HEADER
from streams.dead_letters import add_dead_letter
from streams.reading import read_to_end
from streams.record_batches import Outbox, OutgoingRecord
from streams.topics import MENTIONS_RAW
from streams.writing import open_producer, write_outbox
from tests.streams.record_log import unique
from tests.tenfour.command import ROOT, Ended, environment, tenfour

pytestmark = pytest.mark.kafka
RAW = MENTIONS_RAW.name
TEXT = "my address is 1 High Street"


class Stage:
    """One that could not decide what came with a key of its own, because of an error for each."""

    def __init__(self, kafka: str, *errors: Exception) -> None:
        self.kafka, self.name = kafka, unique("stage")
        asyncio.run(self._fail(errors))

    async def _fail(self, errors: tuple[Exception, ...]) -> None:
        now, outbox = int(time.time() * 1000), Outbox()
        for number, _ in enumerate(errors):
            value = json.dumps({"number": number, "text": TEXT}).encode()
            outbox.to(RAW, 0).append(OutgoingRecord(self.name.encode(), value, [("ce_id", b"7")], now + number))
        async with open_producer(self.kafka) as producer:
            await write_outbox(producer, outbox)
            letters = Outbox()
            for record, error in zip(await self.on_topic(), errors, strict=True):
                add_dead_letter(letters, self.name, record, error)
            await write_outbox(producer, letters)

    async def on_topic(self) -> list[Any]:
        return [record async for record in read_to_end(self.kafka, [RAW]) if record.key == self.name.encode()]

    def replayed(self) -> list[bytes]:
        """What stands there again."""
        return [record.value for record in asyncio.run(self.on_topic()) if HEADER in dict(record.headers)]

    def run(self, *arguments: str) -> Ended:
        return tenfour("dead-letters", *arguments, KAFKA_BOOTSTRAP=self.kafka)

    def listed(self, *options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("list", "--stage", self.name, "--json", *options).out)
        return found


def test_they_are_listed_the_newest_last_without_what_anybody_wrote(kafka: str) -> None:
    stage = Stage(kafka, UndecodableRecord("mention, field id: Field required"), ValueError(f"what is {TEXT}?"))
    ended = stage.run("list", "--stage", stage.name)
    shown = [line for line in ended.out.splitlines() if stage.name in line]
    assert "mention, field id: Field required" in shown[0]
    assert "ValueError" in shown[1]
    assert TEXT not in ended.out
    first, second = stage.listed()
    assert (first["error"], second["error"], first["topic"]) == ("UndecodableRecord", "ValueError", RAW)
    assert first["came_at"] < second["came_at"]
    assert second["reason"] == f"`tenfour dead-letters show {second['id']}`"


def test_a_list_can_be_of_one_error_since_a_time_and_short(kafka: str) -> None:
    stage = Stage(kafka, UndecodableRecord("first"), ValueError("second"), ValueError("third"))
    every = stage.listed()
    assert stage.listed("--error", "ValueError") == every[1:]
    assert stage.listed("--since", every[2]["came_at"]) == every[2:]
    assert stage.listed("--since", "2199-01-01") == []
    assert stage.listed("--limit", "1") == every[2:]
    assert "2 older ones are not shown" in stage.run("list", "--stage", stage.name, "--limit", "1").err


def test_one_is_shown_whole(kafka: str) -> None:
    stage = Stage(kafka, ValueError(f"what is {TEXT}?"))
    (listed,) = stage.listed()
    whole = json.loads(stage.run("show", listed["id"], "--json").out)
    assert whole["key"] == stage.name
    assert whole["reason"] == f"what is {TEXT}?"
    assert "no field `record`" in whole["undecodable"]
    assert TEXT in stage.run("show", listed["id"]).out


def test_what_can_be_decoded_is_shown_as_a_record(kafka: str) -> None:
    stage = Stage(kafka)
    mention = {
        "record": "mention", "version": 1, "id": mention_id("Acme", "web", "1"), "brand": "Acme", "channel": "web",
        "thread": "1", "post": "1", "author": "@someone", "text": f"{TEXT}\x1b[2J",
        "posted_at": "2024-05-01T12:00:00Z", "received_at": "2024-05-01T12:00:01Z",
    }  # fmt: skip
    asyncio.run(_add_letter(stage, json.dumps(mention).encode()))
    (listed,) = stage.listed()
    assert json.loads(stage.run("show", listed["id"], "--json").out)["record"]["text"] == mention["text"]
    shown = stage.run("show", listed["id"]).out
    assert TEXT in shown
    assert "\x1b" not in shown


async def _add_letter(stage: Stage, value: bytes) -> None:
    outbox, letters = Outbox(), Outbox()
    outbox.to(RAW, 0).append(OutgoingRecord(stage.name.encode(), value, [], int(time.time() * 1000)))
    async with open_producer(stage.kafka) as producer:
        await write_outbox(producer, outbox)
        (record,) = await stage.on_topic()
        add_dead_letter(letters, stage.name, record, ValueError("refused"))
        await write_outbox(producer, letters)


@pytest.mark.parametrize(("place", "status", "told"), [("0:1000000000", 1, "no dead letter at"), ("x", 2, "is no")])
def test_a_place_without_a_letter_is_told_in_one_line(kafka: str, place: str, status: int, told: str) -> None:
    ended = tenfour("dead-letters", "show", place, KAFKA_BOOTSTRAP=kafka)
    assert (ended.status, told in ended.err) == (status, True)
    assert "`tenfour dead-letters list`" in ended.err


def test_a_letter_is_replayed_once_unless_again_is_said(kafka: str) -> None:
    stage = Stage(kafka, ValueError("no number"), ValueError("no number"))
    first = stage.listed()[0]["id"]
    assert "1 record would be written again" in stage.run("replay", first, "--dry-run").out
    assert stage.replayed() == []
    assert f"{first} to mentions-raw-0" in stage.run("replay", first, "--yes").out
    (again,) = stage.replayed()
    assert json.loads(again) == {"number": 0, "text": TEXT}
    repeated = json.loads(stage.run("replay", first, "--yes", "--json").out)
    assert (repeated["replayed"], repeated["replayed_before"]) == ([], 1)
    assert len(stage.replayed()) == 1
    assert stage.run("replay", first, "--yes", "--again").status == 0
    assert len(stage.replayed()) == 2


def test_all_of_an_error_since_a_time_are_replayed_together(kafka: str) -> None:
    stage = Stage(kafka, UndecodableRecord("0"), ValueError("1"), ValueError("2"), ValueError("3"))
    since = stage.listed()[2]["came_at"]
    ended = stage.run("replay", "--stage", stage.name, "--error", "ValueError", "--since", since, "--yes")
    assert ended.status == 0
    assert [json.loads(value)["number"] for value in stage.replayed()] == [2, 3]


def test_nothing_is_written_where_nobody_can_be_asked(kafka: str) -> None:
    stage = Stage(kafka, ValueError("no number"))
    ended = stage.run("replay", stage.listed()[0]["id"])
    assert (ended.status, "nothing is written without --yes" in ended.err) == (2, True)
    assert stage.replayed() == []


@pytest.mark.parametrize("chosen", [[], ["--error", "ValueError"], ["0:1", "--error", "ValueError"]])
def test_a_replay_says_which_letters_one_way_or_the_other(kafka: str, chosen: list[str]) -> None:
    ended = tenfour("dead-letters", "replay", *chosen, "--yes", KAFKA_BOOTSTRAP=kafka)
    assert (ended.status, "name letters by PARTITION:OFFSET, or give" in ended.err) == (2, True)


def test_at_a_terminal_the_operator_is_asked(kafka: str) -> None:
    stage = Stage(kafka, ValueError("no number"))
    place = stage.listed()[0]["id"]
    assert _answering("n", kafka, place) == 1
    assert stage.replayed() == []
    assert _answering("y", kafka, place) == 0
    assert len(stage.replayed()) == 1


def _answering(answer: str, kafka: str, place: str) -> int:
    """The exit status of a replay whose question is answered so."""
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "tenfour.main", "dead-letters", "replay", place]
    settings = environment(KAFKA_BOOTSTRAP=kafka)
    with subprocess.Popen(
        program, env=settings, cwd=ROOT, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        _, told = process.communicate(timeout=120)
    os.close(ours)
    assert b"write 1 record to mentions-raw again?" in told
    return process.returncode
