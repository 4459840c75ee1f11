"""The log as rows: what they hold, and that neither the order between topics nor a repeat makes a difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from bench.whole_log import Written
from console.column_rules import FROM_THE_LOG
from console.database import open_database
from console.migrate import upgrade
from console.project_records import project
from console.tables import READ_TO
from console.write_rows import Move, Overtaken, positions, write_batch
from domain.typing_rules import classified_mention
from schemas.desk_records import Label, Person, Promised, Reply, Undo
from schemas.records import DeadLetter
from streams.topics import DEAD_LETTERS, DESK_EVENTS, DESK_INBOX, MENTIONS_CLASSIFIED, MENTIONS_RAW, SLA_EVENTS
from tests.console.story import (
    Story,
    busy_day,
    found,
    key,
    mention,
    minute,
    public_reply,
    read_to,
    rows,
    said,
    write,
)

DAY = busy_day()
REPEATED = ("mentions-raw", "mentions-classified", "mentions-routed")
"""Written at least once."""


def ms(number: float) -> int:
    return int(minute(number).timestamp() * 1000)


def conversation(engine: Engine, thread: str) -> dict[str, Any]:
    (found_,) = [row for row in rows(engine)["conversations"] if row["conversation"] == key(thread)]
    return found_


def post(engine: Engine, thread: str, number: int = 1) -> dict[str, Any]:
    (found_,) = [row for row in rows(engine)["posts"] if row["id"] == said(thread, number)]
    return found_


def mixed(records: list[Written], chance: Random) -> Iterator[Written]:
    """In order within each topic; some topics run ahead of others."""
    left: dict[str, list[Written]] = defaultdict(list)
    for record in records:
        left[record.topic].append(record)
    haste = {topic: chance.choice((1, 10, 1000)) for topic in left}
    while left:
        topic = chance.choices(list(left), [haste[topic] for topic in left])[0]
        yield left[topic].pop(0)
        if not left[topic]:
            del left[topic]


# What the rows hold


def test_a_mention_is_taken_in_classified_and_routed(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag", text="Where is my bag? 🧳"), found(flags=("refund_request",)))
    write(engine, [record for record in story.records if record.topic == MENTIONS_RAW.name])
    assert post(engine, "bag")["state"] == "taken_in"
    write(engine, [record for record in story.records if record.topic == MENTIONS_CLASSIFIED.name])
    assert post(engine, "bag")["state"] == "classified"
    write(engine, [record for record in story.records if record.topic not in REPEATED[:2]])
    assert post(engine, "bag") == {
        "id": said("bag"),
        "conversation": key("bag"),
        "direction": "in",
        "author": "@someone",
        "text": "Where is my bag? 🧳",
        "url": None,
        "automatic": False,
        "posted_at": ms(0),
        "received_at": ms(0),
        "type": "customer_complaint",
        "sentiment": "negative",
        "confidence": 0.75,
        "needs_review": False,
        "risk_flags": ["refund_request"],
        "language": "en",
        "state": "routed",
        "settled": True,
    }


def test_a_conversation_stands_as_the_desk_told_last_with_its_next_deadline(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found())
    story.pass_time(3)
    story.claim("ann", "bag")
    write(engine, story.records)
    stands = conversation(engine, "bag")
    assert (stands["brand"], stands["channel"], stands["thread"]) == ("Delta", "x", "bag")
    assert (stands["status"], stands["owner"], stands["holder"], stands["waiting"]) == ("open", "ann", "ann", True)
    assert (stands["opened_at"], stands["changed_at"]) == (ms(0), ms(3))
    assert (stands["due_at"], stands["breaches"]) == (ms(120), 0)


def test_a_breach_is_counted_and_a_corrected_one_is_none(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found("product_question"))
    story.pass_time(5 * 60)
    write(engine, story.records)
    assert conversation(engine, "bag")["breaches"] == 1
    story.reply(public_reply("bag", 200))
    write(engine, story.records)
    assert conversation(engine, "bag")["breaches"] == 0
    (timer,) = [row for row in rows(engine)["timers"] if row["target"] == "first_response"]
    assert (timer["state"], timer["corrected"], timer["ended_at"]) == ("breached", True, ms(200))


def test_a_resolution_that_rests_is_due_at_no_time(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found())
    story.reply(public_reply("bag", 10))
    write(engine, story.records)
    assert [row["state"] for row in rows(engine)["timers"] if row["target"] == "resolution"] == ["running"]
    assert conversation(engine, "bag")["due_at"] is None


def test_a_label_stands_above_the_classifier_and_a_later_one_above_it(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found(doubtful=True, flags=("safety",)))
    story.do("lea", "bag", Label(mention=said("bag"), type="spam"))
    write(engine, story.records)
    assert (post(engine, "bag")["type"], post(engine, "bag")["state"]) == ("spam", "spam")
    assert (post(engine, "bag")["risk_flags"], post(engine, "bag")["needs_review"]) == (["safety"], False)
    story.do("lea", "bag", Label(mention=said("bag"), type="sales_inquiry", risk_flags=()))
    write(engine, story.records)
    assert (post(engine, "bag")["type"], post(engine, "bag")["state"]) == ("sales_inquiry", "routed")
    assert post(engine, "bag")["risk_flags"] == []


def test_a_reply_goes_from_held_to_handed_on(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found())
    reply = story.answer("ann", "bag", promises=(Promised(action="refund", amount=30_000, currency="EUR"),))
    write(engine, story.records)
    (held,) = rows(engine)["replies"]
    assert (held["id"], held["author"], held["mention"], held["state"]) == (reply, "ann", said("bag"), "held")
    assert held["promises"] == [{"action": "refund", "amount": 30_000, "currency": "EUR"}]
    story.do("ann", "bag", Undo(reply=reply))
    story.answer("ann", "bag")
    story.pass_time(2)
    write(engine, story.records)
    assert sorted(row["state"] for row in rows(engine)["replies"]) == ["handed_on", "undone"]


def test_a_refused_command_is_on_record_with_who_and_why(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found())
    story.claim("ann", "bag")
    story.do("lea", "bag", Reply(token="x", last_inbound=said("bag"), text="Mine."))
    write(engine, story.records)
    (refused,) = [row for row in rows(engine)["commands"] if not row["accepted"]]
    assert (refused["by"], refused["action"], refused["code"]) == ("lea", "reply", "claimed_by_other")
    assert refused["answer"]["fence"]["holder"] == "ann"


def test_an_escalation_stands_at_its_last_step_and_keeps_what_was_said_first(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found(flags=("legal_threat",)))
    story.pass_time(24 * 60)
    write(engine, story.records)
    (escalation,) = [row for row in rows(engine)["escalations"] if row["trigger"] == "legal_threat"]
    assert escalation["state"] == "at_last_step"
    assert escalation["started_at"] < escalation["changed_at"]
    assert escalation["holding_reply"]


def test_the_trail_has_every_event_of_a_conversation_in_its_order(engine: Engine) -> None:
    write(engine, DAY)
    trail = [row for row in rows(engine)["trail"] if row["conversation"] == key("praise")]
    told = sorted(trail, key=lambda row: (row["at"], row["sequence"]))
    kinds = [row["kind"] for row in told if row["about"] == "conversation"]
    assert kinds[:2] == ["opened", "claimed"]
    assert kinds[-1] == "resolved"
    assert {row["about"] for row in rows(engine)["trail"]} == {"conversation", "timer", "escalation", "incident"}
    assert all(row["detail"]["id"] == row["id"] for row in trail)


def test_people_are_read_from_one_partition_where_they_have_an_order(engine: Engine) -> None:
    story = Story()
    story.say(Person(id="ann", name="Ann", role="lead", active=False))
    behind = [record._replace(partition=3) for record in Story().records if record.topic == DESK_INBOX.name]
    write(engine, story.records)
    write(engine, behind)
    (ann,) = [row for row in rows(engine)["people"] if row["id"] == "ann"]
    assert (ann["role"], ann["active"]) == ("lead", False)


# What stops a mention


@pytest.mark.parametrize("stage", ["classify", "route"])
def test_a_mention_whose_record_became_a_dead_letter_says_so(engine: Engine, stage: str) -> None:
    story = Story()
    post_ = mention("lost")
    story.write(MENTIONS_RAW, post_)
    story.end_at(stage, post_ if stage == "classify" else classified_mention(post_, found()))
    write(engine, story.records)
    assert (post(engine, "lost")["state"], post(engine, "lost")["settled"]) == ("dead_letter", True)


def test_a_mention_that_was_sent_again_after_its_dead_letter_is_routed(engine: Engine) -> None:
    story = Story()
    story.end_at("classify", mention("lost"))
    story.mention(mention("lost"), found())
    write(engine, story.records)
    assert post(engine, "lost")["state"] == "routed"


def test_a_message_that_the_desk_refuses_ends_there(engine: Engine) -> None:
    story = Story()
    story.refused_by_the_desk(mention("lost"), found())
    write(engine, story.records)
    assert (post(engine, "lost")["state"], post(engine, "lost")["settled"]) == ("dead_letter", True)


def test_a_dead_letter_that_is_no_mention_s_end_changes_none(engine: Engine) -> None:
    story = Story()
    story.mention(mention("bag"), found())
    story.end_at("count", classified_mention(mention("bag"), found()))
    letter = story.end_at("classify", mention("bag")).model_copy(update={"id": "garbage", "value": b"\xff"})
    assert isinstance(letter, DeadLetter)
    story.write(DEAD_LETTERS, letter)
    write(engine, story.records)
    assert post(engine, "bag")["state"] == "routed"
    assert len(rows(engine)["dead_letters"]) == 3


def test_what_can_not_be_read_is_passed_over(engine: Engine) -> None:
    garbage = [
        Written(topic, 0, offset, b"x", value, [], 0)
        for topic in (MENTIONS_RAW.name, SLA_EVENTS.name, DESK_EVENTS.name)
        for offset, value in enumerate([None, b"", b"\xff", b"{}", b'{"record":"mention","version":9}', b"[" * 5000])
    ]
    write(engine, garbage)
    assert not any(rows(engine).values())
    assert set(read_to(engine).values()) == {6}


def test_texts_that_a_database_can_not_hold_are_held_as_well_as_they_can(engine: Engine) -> None:
    story = Story()
    story.mention(mention("nul", text="a\x00b \\u0000 🧳"), found())
    story.mention(mention("t" * 3 + "\u0000"), found())
    story.mention(mention("🧳" * 200), found())
    write(engine, story.records)
    texts = {row["text"] for row in rows(engine)["posts"]}
    assert texts == {"a\ufffdb \\u0000 🧳", "Where is my bag?"}
    assert {row["thread"] for row in rows(engine)["conversations"]} == {"nul", "ttt\ufffd"}


# Order and repeats


@settings(max_examples=15, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_the_order_between_topics_makes_no_difference(chance: Random, tmp_path_factory: pytest.TempPathFactory) -> None:
    engine, expected = _shared(tmp_path_factory)
    log = list(mixed(DAY, chance))
    cuts = sorted(chance.sample(range(1, len(log)), 10))
    _clear(engine)
    for begin, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        write(engine, log[begin:end])
        before = [record for record in log[:end] if record.topic in REPEATED]
        if before and chance.random() < 0.3:
            write(engine, before[-chance.randrange(1, 6) :])
    assert rows(engine) == expected


_MADE: list[tuple[Engine, dict[str, list[dict[str, Any]]]]] = []


def _shared(folder: pytest.TempPathFactory) -> tuple[Engine, dict[str, list[dict[str, Any]]]]:
    """A database for all examples, and the rows that the log makes in its own order."""
    if not _MADE:
        path: Path = folder.mktemp("orders") / "desk.db"
        engine = open_database(f"sqlite:///{path}")
        upgrade(engine)
        write(engine, DAY)
        _MADE.append((engine, rows(engine)))
    return _MADE[0]


def _clear(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in (*FROM_THE_LOG, READ_TO):
            connection.execute(delete(table))


@pytest.mark.parametrize("topic", sorted({record.topic for record in DAY}))
def test_a_topic_may_be_read_before_all_others_or_after_them(
    engine: Engine, topic: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = [record for record in DAY if record.topic == topic]
    others = [record for record in DAY if record.topic != topic]
    for parts in ((first, others), (others, first)):
        _clear(engine)
        for part in parts:
            write(engine, part)
        assert rows(engine) == _reference(tmp_path_factory)


@pytest.mark.parametrize("together", [1, 40])
def test_the_size_of_a_batch_makes_no_difference(
    engine: Engine, together: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backwards = sorted(DAY, key=lambda record: record.topic, reverse=True)
    for begin in range(0, len(DAY), together):
        write(engine, backwards[begin : begin + together])
    assert rows(engine) == _reference(tmp_path_factory)


def test_both_databases_hold_the_same(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(engine, DAY)
    assert rows(engine) == _reference(tmp_path_factory)


def _reference(folder: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return _shared(folder)[1]


# Offsets


def test_rows_and_offsets_are_written_together_or_not_at_all(engine: Engine) -> None:
    write(engine, DAY)
    before, offsets = rows(engine), read_to(engine)
    story = Story()
    story.mention(mention("more"), found())
    moves = {("mentions-raw", 0): Move(3, 4)}
    with pytest.raises(Overtaken, match="mentions-raw-0 is no longer at 3"), engine.begin() as connection:
        write_batch(connection, project(story.records), moves)
    assert (rows(engine), read_to(engine)) == (before, offsets)


def test_a_partition_that_nobody_has_read_begins_at_its_start(engine: Engine) -> None:
    with engine.begin() as connection:
        assert positions(connection, {("mentions-raw", 5)}) == {("mentions-raw", 5): 0}
    assert read_to(engine) == {("mentions-raw", 5): 0}
