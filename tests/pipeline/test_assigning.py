"""The adviser on a real Kafka: it asks, is killed, and nothing is given twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import yaml

from domain.assigning import ADVISER
from schemas.desk_events import ConversationChanged, DeskAnswer
from schemas.records import TimerOwner
from tests.pipeline.harness import PARTITIONS, Outcome, Workers, outcome, run_pipeline, undisturbed
from tests.pipeline.test_desk import DESK_STAGES
from tests.pipeline.traffic import conversations, records
from tests.tenfour.command import tenfour

ASSIGN_S = 60
AGENTS = [
    {"id": f"agent-{n}", "name": f"Agent {n}", "role": "agent", "teams": ["support"], "capacity": 4} for n in (1, 2)
]


def people(workers: Workers, folder: Path, *listed: dict[str, object]) -> None:
    file = folder / "people.yaml"
    file.write_text(yaml.safe_dump(list(listed)), "utf-8")
    settings = {"TENFOUR_BOOTSTRAP": workers.bootstrap, "TENFOUR_PARTITIONS": str(PARTITIONS)}
    ended = tenfour("people", "apply", str(file), **settings)
    assert ended.status == 0, ended.err


async def assigned(workers: Workers, count: int) -> Outcome:
    """Once so many conversations have been given to somebody."""
    async with asyncio.timeout(ASSIGN_S):
        while len(given(found := await outcome(workers.bootstrap))) < count:
            workers.keep_running()
            await asyncio.sleep(0.3)
    return found


def given(found: Outcome) -> list[tuple[str, str | None]]:
    """Conversation and owner, each time one was given to somebody."""
    changes = [event for event in found.records["desk-events"] if isinstance(event, ConversationChanged)]
    return [(change.conversation, change.owner) for change in changes if change.kind == "assigned"]


async def test_what_is_nobodys_is_given_to_those_with_room_once_whoever_advises(
    workers: Workers, tmp_path: Path
) -> None:
    traffic = [found for found in conversations(20, seed=21) if found.answered_after is None][:10]
    await run_pipeline(workers, records(traffic), undisturbed, stages=DESK_STAGES)
    for name in ("assign", "assign-2"):
        workers.start(name)
    people(workers, tmp_path, {"id": ADVISER, "name": "Assigns owners", "role": "adviser"}, *AGENTS)
    ran = await assigned(workers, 8)
    assert Counter(owner for _, owner in given(ran)) == Counter({"agent-1": 4, "agent-2": 4})

    for name in ("assign", "assign-2"):
        workers.kill(name)
    workers.start("assign")
    people(workers, tmp_path, {"id": "lead-1", "name": "Lead", "role": "lead"})
    ran = await assigned(workers, 10)
    owners = dict(given(ran))
    assert len(given(ran)) == len(owners) == len(traffic)
    assert Counter(owners.values()) == Counter({"agent-1": 4, "agent-2": 4, "lead-1": 2})
    answers = [event for event in ran.records["desk-events"] if isinstance(event, DeskAnswer) and event.by == ADVISER]
    assert {(answer.accepted, answer.code) for answer in answers} == {(True, "accepted")}
    told = {timer.conversation: timer for timer in ran.records["sla-timer"] if isinstance(timer, TimerOwner)}
    assert {key: timer.owner for key, timer in told.items()} == owners
