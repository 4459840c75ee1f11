"""What facts about an installation mean, without one."""

from __future__ import annotations

import pytest

from streams.newest_ticks import TickTimes
from streams.topics import MENTIONS_RAW, POLICIES, SLA_TIMER, TopicChange
from tenfour.doctor_rules import (
    judge_brokers,
    judge_calendars,
    judge_channels,
    judge_clock,
    judge_dead_letters,
    judge_equal_ports,
    judge_skew,
    judge_stage,
    judge_tokens,
    judge_topics,
    refused,
    skipped,
)
from tenfour.stage_status import StageStatus

NOW = 1_700_000_000.0
TOPICS = (MENTIONS_RAW, SLA_TIMER, POLICIES)
FOUND = {topic.name: 8 for topic in TOPICS}


def stage(name: str, lag: int, oldest_s: float | None, members: int) -> StageStatus:
    return StageStatus(name, ("a-topic",), members, lag, oldest_s)


def ticks(*ages: float | None, delays: tuple[float, ...] = ()) -> TickTimes:
    """By partition: how old its last tick is."""
    return TickTimes(NOW, {number: None if age is None else NOW - age for number, age in enumerate(ages)}, list(delays))


@pytest.mark.parametrize(
    ("error", "what", "mend"),
    [
        ("no broker runs; start one; or two", "no broker runs", "start one; or two"),
        ("model.onnx is missing: a file. Restore it.", "model.onnx is missing: a file", "Restore it."),
        ("it is broken", "it is broken", "mend it"),
        ("a:1: is wrong; write b\na:2: is wrong too; write c", "a:1: is wrong (and 1 more)", "write b"),
        ("", "", "mend it"),
    ],
)
def test_an_error_is_split_into_what_is_wrong_and_what_to_do(error: str, what: str, mend: str) -> None:
    found = refused("check", error, "mend it")
    assert (found.outcome, found.what, found.mend) == ("fault", what, mend)


def test_what_can_not_be_checked_is_named_with_the_reason() -> None:
    assert [(finding.check, finding.outcome, finding.what) for finding in skipped(["a", "b"], "no broker")] == [
        ("a", "skipped", "no broker"),
        ("b", "skipped", "no broker"),
    ]


def test_topics_as_declared_are_well() -> None:
    (found,) = judge_topics(TOPICS, FOUND | {"somebody-else": 1}, 8, [])
    assert (found.outcome, found.what) == ("ok", "3 topics with 8 partitions each")


def test_missing_topics_other_counts_and_other_settings_are_each_told() -> None:
    changes = [TopicChange("mentions-raw", "retention.ms: 1 -> 2")]
    found = judge_topics(TOPICS, {"mentions-raw": 8, "sla-timer": 3}, 8, changes)
    assert [(finding.what, finding.mend.split(",")[0]) for finding in found] == [
        ("missing: policies", "`tenfour topics apply`"),
        ("sla-timer: 3 partitions, TENFOUR_PARTITIONS is 8", "set TENFOUR_PARTITIONS=3"),
        ("mentions-raw: retention.ms: 1 -> 2 is declared", "`tenfour topics apply`"),
    ]


def test_as_many_brokers_as_copies_are_enough() -> None:
    assert judge_brokers(3, 3).outcome == "ok"
    found = judge_brokers(2, 3)
    assert (found.outcome, found.mend) == ("fault", "set TENFOUR_REPLICATION=2, or start more brokers")


@pytest.mark.parametrize(
    ("status", "outcome", "mend"),
    [
        (stage("desk", 0, None, 0), "ok", ""),
        (stage("desk", 500, 2.0, 1), "ok", ""),
        (stage("desk", 501, 2.0, 1), "warning", "start more workers, `tenfour run desk`, up to 8"),
        (stage("desk", 1, 2.0, 0), "fault", "`tenfour run desk`"),
        (stage("project", 1, 2.0, 0), "fault", "`tenfour project`"),
        (stage("notify", 1, None, 0), "fault", "`tenfour notify`"),
    ],
)
def test_a_stage_is_judged_by_its_lag_and_its_members(status: StageStatus, outcome: str, mend: str) -> None:
    found = judge_stage(status, 500, 8)
    assert found.outcome == outcome
    assert found.mend.startswith(mend)
    assert bool(found.mend) == bool(mend)


def test_the_age_of_what_waits_is_told() -> None:
    assert judge_stage(stage("desk", 2, 7200.0, 0), 500, 8).what == (
        "no worker runs desk: 2 records, the oldest 2 h old"
    )


@pytest.mark.parametrize(
    ("ages", "outcome", "told"),
    [
        ((0.1, 9.9), "ok", "at most 9.9 s old"),
        ((0.1, 10.1), "fault", "stalled in partition 1: the last tick is 10.1 s old"),
        ((0.1, None), "fault", "stalled in partition 1: no tick has come"),
        ((600.0, 60.0), "fault", "stalled in every partition: the last tick is 10 min old"),
        ((None, None), "fault", "no tick has come: time stands still"),
        ((), "fault", "no tick has come"),
    ],
)
def test_the_clock_is_judged_by_the_slowest_partition(ages: tuple[float | None, ...], outcome: str, told: str) -> None:
    found = judge_clock(MENTIONS_RAW.name, ticks(*ages))
    assert found.outcome == outcome
    assert told in found.what


def test_who_drives_the_clock_depends_on_the_topic() -> None:
    assert "`tenfour run classify`" in judge_clock(MENTIONS_RAW.name, ticks(99.0)).mend
    assert "`tenfour run route`" in judge_clock(SLA_TIMER.name, ticks(99.0)).mend


@pytest.mark.parametrize(
    ("times", "outcome"),
    [
        (ticks(0.1, delays=(0.1,)), "ok"),
        (ticks(-1.9, delays=(-1.9,)), "ok"),
        (ticks(-2.1, delays=(-2.1,)), "fault"),
        (ticks(-2.1), "fault"),
        (ticks(2.1, delays=(2.1, 2.5)), "warning"),
        (ticks(2.1, delays=(0.3, 2.5)), "ok"),
        (ticks(600.0), "skipped"),
    ],
)
def test_a_clock_that_is_ahead_is_a_fault_and_one_behind_a_warning(times: TickTimes, outcome: str) -> None:
    found = judge_skew(times)
    assert found.outcome == outcome
    assert ("NTP" in found.mend) == (outcome in ("fault", "warning"))


def test_dead_letters_are_told_by_error_the_most_frequent_first() -> None:
    assert judge_dead_letters({}, 1).outcome == "ok"
    found = judge_dead_letters({"ValueError": 1, "UndecodableRecord": 12}, 1)
    assert (found.outcome, found.what) == ("warning", "in the last hour: 12 UndecodableRecord, 1 ValueError")


def test_a_calendar_that_stays_closed_is_named() -> None:
    assert judge_calendars({}).outcome == "ok"
    assert judge_calendars({"office": True}).what == "1 calendar, each opens within 14 days"
    assert judge_calendars({"office": True, "winter": False}).what == "winter: closed for the next 14 days"


def test_channels_that_the_policy_names_and_the_file_lacks_are_told() -> None:
    assert judge_channels(["chat"], ["chat", "mail"], "channels.yaml").outcome == "ok"
    found = judge_channels(["pager", "chat"], ["chat"], "channels.yaml")
    assert (found.outcome, "through pager, which channels.yaml" in found.what) == ("warning", True)


def test_without_a_token_nobody_may_call() -> None:
    assert judge_tokens(any_token=True).outcome == "ok"
    assert judge_tokens(any_token=False).outcome == "warning"


def test_one_port_for_two_servers_is_a_fault_but_any_free_one_is_not() -> None:
    assert judge_equal_ports({"A_PORT": 0, "B_PORT": 0, "C_PORT": 1}) == []
    (found,) = judge_equal_ports({"A_PORT": 7, "B_PORT": 8, "C_PORT": 7})
    assert (found.what, found.mend) == ("A_PORT and C_PORT are both 7", "set C_PORT to another")
