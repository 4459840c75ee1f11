"""`tenfour sla recompute` on a real Kafka: a changed policy for cycles that run, once, and on the log."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

from schemas.records import PolicyVersion, SlaEvent, TimerSupersede
from streams.progress import wait_until_drained
from tenfour.local_pipeline import SOURCES
from tests.pipeline.harness import PARTITIONS, STAGES, Outcome, Workers, outcome, run_pipeline, undisturbed
from tests.pipeline.test_sla_replay import sla_replay
from tests.pipeline.traffic import EPOCH, complaint, conversations, records, reply
from tests.tenfour.command import ROOT, Ended, tenfour

POLICY_TEXT = (ROOT / "policy.yaml").read_text(encoding="utf-8")
PROMISED, NOW_PROMISED = 3000, 4000
"""Minutes until the first response: both longer than the replay lasts, so that cycles are open at its end."""


def policy_file(folder: Path, minutes: int) -> Path:
    file = folder / f"promises-{minutes}.yaml"
    file.write_text(POLICY_TEXT.replace("first_response_minutes: 120", f"first_response_minutes: {minutes}", 1))
    return file


def recompute(workers: Workers, policy: Path, *options: str) -> Ended:
    return tenfour(
        "sla",
        "recompute",
        "--reason",
        "new contract from March",
        *options,
        TENFOUR_BOOTSTRAP=workers.bootstrap,
        TENFOUR_PARTITIONS=str(PARTITIONS),
        TENFOUR_POLICY=str(policy),
    )


async def drained(workers: Workers) -> Outcome:
    await wait_until_drained(workers.bootstrap, [source for source in SOURCES if source[0] in STAGES])
    return await outcome(workers.bootstrap)


def of_kind(ran: Outcome, kind: str, target: str = "first_response") -> dict[str, SlaEvent]:
    """By conversation."""
    return {event.conversation: event for event in ran.events() if (event.kind, event.target) == (kind, target)}


def changes(ran: Outcome) -> list[TimerSupersede]:
    return [record for record in ran.records["sla-timer"] if isinstance(record, TimerSupersede)]


def versions(ran: Outcome) -> set[str]:
    return {record.id for record in ran.records["policies"] if isinstance(record, PolicyVersion)}


async def test_a_new_policy_takes_over_what_runs_once_and_with_the_time_that_has_elapsed(
    workers: Workers, tmp_path: Path
) -> None:
    before, now = policy_file(tmp_path, PROMISED), policy_file(tmp_path, NOW_PROMISED)
    workers.environment["TENFOUR_POLICY"] = str(before)
    traffic = conversations(40, seed=9)
    ran = await run_pipeline(workers, records(traffic), undisturbed)
    waiting = {one.key: one for one in traffic if one.answered_after is None}
    old = versions(ran)
    assert waiting
    assert len(old) == 1

    asked = json.loads(recompute(workers, now, "--dry-run", "--json").out)
    assert (asked["mentions"], asked["cycles"], asked["written"]) == (40, 40 + len(waiting), False)
    unchanged = await drained(workers)
    assert (changes(unchanged), versions(unchanged), len(unchanged.events())) == ([], old, len(ran.events()))

    done = json.loads(recompute(workers, now, "--json").out)
    assert done == asked | {"written": True}
    ran = await drained(workers)
    superseded = of_kind(ran, "superseded")
    assert superseded.keys() == waiting.keys()
    assert versions(ran) == old | {done["policy"]}
    for key, event in superseded.items():
        assert event.reason == "new contract from March"
        assert event.policy in old
        assert event.elapsed_ms == (event.at - waiting[key].posted_at) // timedelta(milliseconds=1)
    paused = of_kind(ran, "superseded", "resolution")
    for one in traffic:
        if one.answered_after is not None:
            assert paused[one.key].elapsed_ms == one.answered_after // timedelta(milliseconds=1)

    again = json.loads(recompute(workers, now, "--json").out)
    assert (again["mentions"], again["cycles"]) == (0, 0)
    twice = await drained(workers)
    assert len(changes(twice)) == len(changes(ran)) == 40
    assert sla_replay(workers).status == 0

    # Time goes on, past the new due times: an answer that is in time by the new promise counts, the others are missed.
    answered = sorted(waiting)[0]
    at = waiting[answered].posted_at + timedelta(minutes=PROMISED + 500)
    later = [reply(waiting[answered].thread, at), complaint("later", EPOCH + timedelta(days=5))]
    ran = await run_pipeline(workers, later, undisturbed)
    assert of_kind(ran, "met")[answered].elapsed_ms == (PROMISED + 500) * 60_000
    breached = of_kind(ran, "breached")
    assert breached.keys() == waiting.keys() - {answered}
    for key, event in breached.items():
        assert event.due_at == waiting[key].posted_at + timedelta(minutes=NOW_PROMISED)
        assert (event.policy, event.elapsed_ms) == (done["policy"], NOW_PROMISED * 60_000)
    assert not ran.repeated_events()
    replayed = json.loads(sla_replay(workers, "--json").out)
    assert (replayed["different"], replayed["not_comparable_cycles"]) == (0, 0)
    assert replayed["equal"] == len(ran.events())


async def test_asked_by_two_at_once_it_is_done_once(workers: Workers, tmp_path: Path) -> None:
    """The stage is down, so that the second can't see what the first has written."""
    before, now = policy_file(tmp_path, PROMISED), policy_file(tmp_path, NOW_PROMISED)
    workers.environment["TENFOUR_POLICY"] = str(before)
    ran = await run_pipeline(workers, [complaint("one", EPOCH)], undisturbed)
    await workers.stop("deadlines")
    for _ in range(2):
        assert json.loads(recompute(workers, now, "--json").out)["cycles"] == 2
    workers.start("deadlines")
    ran = await drained(workers)
    assert len(changes(ran)) == 2
    kinds = Counter((event.target, event.kind) for event in ran.events())
    assert (kinds["first_response", "superseded"], kinds["resolution", "superseded"]) == (1, 1)
    assert not ran.repeated_events()
    assert sla_replay(workers).status == 0


def test_a_reason_is_needed_and_one_that_says_nothing_is_refused() -> None:
    assert "Missing option '--reason'" in tenfour("sla", "recompute").err
    ended = tenfour("sla", "recompute", "--reason", " ")
    assert ended.status == 2
    assert "--reason needs 1 to 200 characters" in ended.err


def test_a_policy_with_a_mistake_changes_nothing_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(POLICY_TEXT.replace("first_response_minutes: 120", "first_response_minutes: soon", 1))
    ended = tenfour("sla", "recompute", "--reason", "x", TENFOUR_POLICY=str(file), TENFOUR_BOOTSTRAP="127.0.0.1:1")
    assert ended.status == 1
    assert f"{file.name}:" in ended.err
    assert "first_response_minutes" in ended.err
