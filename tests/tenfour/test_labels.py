"""What people said of mentions, as training reads it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from models.held_out import key_of
from models.own_labels import read_labels
from models.text import TYPES
from schemas.codecs import encode
from schemas.desk_events import ConversationChanged
from schemas.desk_records import Label
from schemas.ids import conversation_key
from schemas.records import AnyRecord, ClassifiedMention, Mention, MentionType
from streams.partitions import partition_of
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import DESK_EVENTS, MENTIONS_CLASSIFIED
from streams.writing import new_producer, write_outbox
from tenfour.given_labels import GivenLabels, LabelledText, write_labels
from tests.domain.posts import classified
from tests.tenfour.command import tenfour

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def mention(number: int, text: str, thread: str = "1") -> ClassifiedMention:
    return classified(
        Mention(
            id=f"{thread}-{number}",
            brand="Delta",
            channel="x",
            thread=thread,
            post=str(number),
            author="ann",
            text=text,
            posted_at=NOON,
            received_at=NOON,
        )
    )


def labelled(of: str, type_: MentionType, minutes: float = 0, thread: str = "1") -> ConversationChanged:
    return ConversationChanged(
        id=f"label of {of} at {minutes}",
        conversation=conversation_key("Delta", "x", thread),
        kind="labelled",
        cause="c1",
        at=NOON + timedelta(minutes=minutes),
        status="open",
        type=type_,
        team="support",
        queue="support-queue",
        owner=None,
        holder=None,
        priority=2,
        last_inbound=of,
        waiting=True,
        in_review=0,
        label=Label(mention=of, type=type_),
    )


def given(
    changes: list[ConversationChanged], mentions: list[ClassifiedMention], since: float | None = None
) -> GivenLabels:
    found = GivenLabels()
    for change in changes:
        found.take_change(change, None if since is None else NOON + timedelta(minutes=since))
    for one in mentions:
        found.take_text(conversation_key("Delta", "x", one.mention.thread).encode(), encode(one))
    return found


def test_the_last_label_of_a_mention_wins() -> None:
    found = given([labelled("1-1", "spam"), labelled("1-1", "sales_inquiry", 1)], [mention(1, "How much?")])
    (label,) = found.labelled()
    assert (label.key, label.type, label.text) == (key_of("How much?"), "sales_inquiry", "How much?")
    assert label.labelled_at == "2026-03-02T12:01:00+00:00"


def test_only_labels_from_a_moment_on() -> None:
    changes = [labelled("1-1", "spam"), labelled("1-2", "spam", 5)]
    found = given(changes, [mention(1, "One"), mention(2, "Two")], since=5)
    assert [label.mention for label in found.labelled()] == ["1-2"]


def test_labels_without_a_text_are_counted_and_left_out() -> None:
    found = given([labelled("1-1", "spam"), labelled("1-2", "spam"), labelled("1-3", "spam")], [mention(1, " \n")])
    found.take_text(conversation_key("Delta", "x", "1").encode(), b"{")
    assert (found.labelled(), found.without_text) == ([], 3)


def test_what_training_reads_it_reads(tmp_path: Path) -> None:
    file, out = tmp_path / "labels.csv", io.StringIO()
    write_labels(given([labelled("1-1", "spam")], [mention(1, "Win, now!")]).labelled(), out, "csv", texts=False)
    file.write_text(out.getvalue(), "utf-8")
    (label,) = read_labels(file).values()
    assert (TYPES[label.type], label.also, label.chosen) == ("spam", None, True)


def test_texts_are_written_only_if_they_are_asked_for() -> None:
    labels = given([labelled("1-1", "spam")], [mention(1, 'Win, "now"\nand ü')]).labelled()
    for texts in (False, True):
        lines, table = io.StringIO(), io.StringIO()
        write_labels(labels, lines, "jsonl", texts=texts)
        write_labels(labels, table, "csv", texts=texts)
        (line,) = [json.loads(one) for one in lines.getvalue().splitlines()]
        (row,) = csv.DictReader(io.StringIO(table.getvalue()))
        assert line == row == {name: value for name, value in labels[0]._asdict().items() if texts or name != "text"}


def test_no_labels_are_a_header_or_nothing() -> None:
    table, lines = io.StringIO(), io.StringIO()
    write_labels([], table, "csv", texts=False)
    write_labels([], lines, "jsonl", texts=False)
    assert (table.getvalue(), lines.getvalue()) == (",".join(LabelledText._fields[:-1]) + "\n", "")


def test_the_command_joins_what_is_in_the_log(kafka: str) -> None:
    thread = uuid4().hex
    asyncio.run(_write(kafka, DESK_EVENTS.name, labelled(f"{thread}-1", "spam", thread=thread), thread))
    asyncio.run(_write(kafka, DESK_EVENTS.name, labelled(f"{thread}-2", "spam", thread=thread), thread))
    asyncio.run(_write(kafka, MENTIONS_CLASSIFIED.name, mention(1, "Win", thread), thread))
    ended = tenfour("labels", "export", "--since", "2026-03-02", KAFKA_BOOTSTRAP=kafka)
    assert ended.status == 0, ended.err
    (label,) = [row for row in map(json.loads, ended.out.splitlines()) if row["mention"].startswith(thread)]
    assert (label["key"], "text" in label) == (key_of("Win"), False)
    assert "left out, whose text the log no longer has" in ended.err


def test_a_time_that_is_none_is_refused() -> None:
    ended = tenfour("labels", "export", "--since", "yesterday")
    assert ended.status == 2
    assert "--since yesterday: is no date" in " ".join(ended.err.split())


async def _write(kafka: str, topic: str, record: AnyRecord, thread: str) -> None:
    key = conversation_key("Delta", "x", thread).encode()
    outbox, producer = Outbox(), new_producer(kafka)
    outgoing = OutgoingRecord(key, encode(record), [], int(datetime.now(UTC).timestamp() * 1000))
    outbox.to(topic, partition_of(key, Settings().partitions)).append(outgoing)
    await producer.start()
    try:
        await write_outbox(producer, outbox)
    finally:
        await producer.stop()
