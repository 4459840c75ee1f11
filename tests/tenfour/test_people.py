"""`tenfour people` against a real broker. People of other tests are in the log too: each test has names of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from typer.testing import CliRunner

from schemas.codecs import decode
from schemas.desk_records import Person
from streams.reading import read_to_end
from streams.settings import Settings
from streams.topics import DESK_INBOX, PEOPLE
from tenfour.main import app
from tests.tenfour.command import ROOT, Ended, environment, tenfour

PARTITIONS = Settings().partitions
HALFWAY = """
import asyncio, os, signal, sys
from agents.keep_people import WRITER, people_outbox
from schemas.desk_records import Person
from streams.topics import DESK_INBOX
from streams.writing import new_producer, write_records

async def write():
    producer = new_producer(sys.argv[1], transactional_id=WRITER)
    await producer.start()
    await producer.begin_transaction()
    outbox = people_outbox([Person(id=sys.argv[2], name="Half", role="lead")], 8, 0)
    for partition in range(4):
        await write_records(producer, DESK_INBOX.name, partition, outbox.to(DESK_INBOX.name, partition))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(write())
"""


def new_id(name: str) -> str:
    return f"{name}-{uuid4().hex[:8]}"


def listed(folder: Path, *people: dict[str, Any]) -> str:
    file = folder / "people.yaml"
    file.write_text(yaml.safe_dump(list(people)), "utf-8")
    return str(file)


def agent(id_: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "name": "An agent", "role": "agent", **fields}


def in_log(kafka: str, topic: str, id_: str) -> list[tuple[int, Person]]:
    """Partition, and what stands in it of the person."""
    return asyncio.run(_in_log(kafka, topic, id_))


async def _in_log(kafka: str, topic: str, id_: str) -> list[tuple[int, Person]]:
    found = []
    async for record in read_to_end(kafka, [topic]):
        if id_.encode() in (record.value or b"") and isinstance(person := decode(record.value), Person):
            found.append((record.partition, person))
    return found


def people(kafka: str, *arguments: str) -> Ended:
    """The command in this process: a new one takes longer than all that it does."""
    ended = CliRunner(env=environment(KAFKA_BOOTSTRAP=kafka)).invoke(
        app, ["people", *arguments], catch_exceptions=False
    )
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def apply(kafka: str, *arguments: str) -> Ended:
    return people(kafka, "apply", *arguments)


def known(kafka: str, id_: str) -> dict[str, Any]:
    ended = people(kafka, "list", "--json")
    assert ended.status == 0, ended.err
    (found,) = [person for person in json.loads(ended.out) if person["id"] == id_]
    return dict(found)


def test_each_person_is_written_once_to_every_partition_and_once_by_id(kafka: str, tmp_path: Path) -> None:
    ann = new_id("ann")
    file = listed(tmp_path, agent(ann, teams=["support"], capacity=3))
    assert apply(kafka, file).out == f"{ann}: new, name An agent, role agent, teams support, active yes, capacity 3\n"
    assert Counter(partition for partition, _ in in_log(kafka, DESK_INBOX.name, ann)) == Counter(range(PARTITIONS))
    assert len(in_log(kafka, PEOPLE.name, ann)) == 1
    assert (known(kafka, ann)["capacity"], known(kafka, ann)["active"]) == (3, True)

    assert apply(kafka, file).out == "everybody is as listed\n"
    assert len(in_log(kafka, DESK_INBOX.name, ann)) == PARTITIONS

    changed = json.loads(apply(kafka, listed(tmp_path, agent(ann, role="lead")), "--json").out)
    assert changed == {
        "changes": [
            {
                "id": ann,
                "new": False,
                "fields": {"role": ["agent", "lead"], "teams": [["support"], []], "capacity": [3, None]},
            }
        ],
        "written": True,
    }
    assert len(in_log(kafka, DESK_INBOX.name, ann)) == 2 * PARTITIONS


def test_a_dry_run_tells_and_writes_nothing(kafka: str, tmp_path: Path) -> None:
    ann = new_id("ann")
    ended = apply(kafka, listed(tmp_path, agent(ann)), "--dry-run")
    assert ended.out.splitlines() == [
        f"{ann}: new, name An agent, role agent, active yes",
        "nothing is written: --dry-run",
    ]
    assert in_log(kafka, DESK_INBOX.name, ann) == in_log(kafka, PEOPLE.name, ann) == []


def test_a_writer_that_was_killed_between_partitions_leaves_nothing_and_the_next_does_all(
    kafka: str, tmp_path: Path
) -> None:
    ann = new_id("ann")
    killed = subprocess.run([sys.executable, "-c", HALFWAY, kafka, ann], env=environment(), cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert apply(kafka, listed(tmp_path, agent(ann))).status == 0
    stands = in_log(kafka, DESK_INBOX.name, ann)
    assert {person.role for _, person in stands} == {"agent"}
    assert Counter(partition for partition, _ in stands) == Counter(range(PARTITIONS))


def test_whoever_is_missing_stays_unless_it_is_asked_for(kafka: str, tmp_path: Path) -> None:
    ann, bob = new_id("ann"), new_id("bob")
    apply(kafka, listed(tmp_path, agent(ann), agent(bob)))
    apply(kafka, listed(tmp_path, agent(ann)))
    assert known(kafka, bob)["active"]
    assert f"{bob}: active yes -> no" in apply(kafka, listed(tmp_path, agent(ann)), "--remove-missing").out
    assert not known(kafka, bob)["active"]
    stands = in_log(kafka, DESK_INBOX.name, bob)
    assert Counter(person.active for _, person in stands) == {True: PARTITIONS, False: PARTITIONS}


def test_everybody_is_written_again_if_it_is_asked_for(kafka: str, tmp_path: Path) -> None:
    ann = new_id("ann")
    file = listed(tmp_path, agent(ann))
    apply(kafka, file)
    assert apply(kafka, file, "--again").status == 0
    assert len(in_log(kafka, DESK_INBOX.name, ann)) == 2 * PARTITIONS


def test_an_absence_is_told_without_the_list_and_outlives_it(kafka: str, tmp_path: Path) -> None:
    ann = new_id("ann")
    file = listed(tmp_path, agent(ann))
    apply(kafka, file)
    ended = people(kafka, "away", ann, "--from", "2030-12-24", "--until", "2031-01-02T00:00:00+01:00")
    assert (ended.status, ended.err) == (0, "")
    absent = [{"since": "2030-12-24T00:00:00Z", "until": "2031-01-01T23:00:00Z"}]
    assert known(kafka, ann)["away"] == absent
    assert apply(kafka, file).out == "everybody is as listed\n"
    assert people(kafka, "away", ann, "--cancel").status == 0
    assert known(kafka, ann)["away"] == []


def test_an_absence_of_somebody_unknown_is_refused(kafka: str) -> None:
    ended = tenfour("people", "away", "nobody", "--until", "2031-01-02", KAFKA_BOOTSTRAP=kafka)
    assert (ended.status, ended.err) == (1, "tenfour: no person 'nobody'; `tenfour people list` has them all\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give --until"),
        (("--cancel", "--until", "2031-01-02"), "give --until"),
        (("--until", "soon"), "--until soon: is no date"),
        (("--from", "2031-01-02", "--until", "2031-01-01"), "--until must be later than --from"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(arguments: tuple[str, ...], words: str) -> None:
    ended = people("", "away", "ann", *arguments)
    assert ended.status == 2
    assert words in " ".join(ended.err.replace("│", " ").split())


def test_mistakes_are_told_with_their_lines_before_any_kafka_is_asked(tmp_path: Path) -> None:
    file = listed(tmp_path, {"id": "ann", "name": "Ann", "role": "agnt"})
    ended = tenfour("people", "apply", file)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == f"{file}:3: [0].role: there is no role 'agnt'; did you mean agent?\n"


def test_a_list_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    ended = tenfour("people", "apply", str(tmp_path / "none"))
    assert (ended.status, ended.err) == (1, f"tenfour: {tmp_path / 'none'}: No such file or directory\n")
