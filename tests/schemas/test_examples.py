from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import pytest
from jsonschema import Draft202012Validator

import gateway
from gateway.replay_file import read_replay
from schemas.codecs import KINDS, decode, encode
from schemas.desk_events import ActionName, DeskAnswer
from schemas.desk_records import DeskCommand, DeskInbound
from schemas.ids import conversation_key
from schemas.publish import FOLDER as SCHEMAS
from schemas.records import (
    AnyRecord,
    ClassifiedMention,
    Mention,
    PublicReply,
    RoutedMention,
    SlaEvent,
    TimerRespond,
    TimerStart,
)

EXAMPLES = SCHEMAS.parent / "examples"
BUNDLE = Path(next(iter(gateway.__path__))) / "bundle" / "mentions.jsonl"
FILES = sorted(EXAMPLES.glob("*/*.json"))
R = TypeVar("R", bound=AnyRecord)

each_example = pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.stem}" for file in FILES])


def examples_of(kind: type[R]) -> Iterator[R]:
    folder = EXAMPLES / str(kind.model_fields["record"].default)
    for file in sorted(folder.iterdir()):
        record = decode(file.read_bytes())
        assert isinstance(record, kind)
        yield record


@cache
def bundled() -> dict[str, Mention | PublicReply]:
    return {record.id: record for record in read_replay(BUNDLE)}


def conversation_of(post: Mention | PublicReply) -> str:
    return conversation_key(post.brand, post.channel, post.thread)


def mention_with(mention: str) -> Mention:
    return next(example for example in examples_of(Mention) if example.id == mention)


def with_nothing_left_out(given: Any, written: Any) -> Any:
    """What was written, less the optional fields that the example leaves out."""
    if not isinstance(given, dict):
        return written
    return {name: with_nothing_left_out(value, written[name]) for name, value in given.items()}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_record_has_at_least_three_examples(kind: str) -> None:
    assert len(list((EXAMPLES / kind).glob("*.json"))) >= 3


def test_no_example_is_an_orphan() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} == set(KINDS)
    assert {path for path in EXAMPLES.rglob("*") if path.is_file()} == set(FILES)


@each_example
def test_an_example_matches_its_schema(file: Path) -> None:
    schema = json.loads((SCHEMAS / f"{file.parent.name}.v1.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(file.read_text("utf-8")))


@each_example
def test_an_example_is_the_record_of_its_folder(file: Path) -> None:
    assert decode(file.read_bytes()).record == file.parent.name


@each_example
def test_an_example_comes_back_as_it_went(file: Path) -> None:
    given = json.loads(file.read_bytes())
    assert with_nothing_left_out(given, json.loads(encode(decode(file.read_bytes())))) == given


@pytest.mark.parametrize("kind", [Mention, PublicReply])
def test_the_posts_are_real_ones_of_the_demo_data(kind: type[Mention] | type[PublicReply]) -> None:
    for post in examples_of(kind):
        assert bundled()[post.id] == post


@pytest.mark.parametrize("kind", [ClassifiedMention, RoutedMention])
def test_each_mention_is_carried_along_unchanged(kind: type[ClassifiedMention] | type[RoutedMention]) -> None:
    for carrier in examples_of(kind):
        assert carrier.mention == mention_with(carrier.mention.id)


def test_a_routed_example_is_classified_as_in_the_classified_one() -> None:
    classified = {example.mention.id: example.classification for example in examples_of(ClassifiedMention)}
    for routed in examples_of(RoutedMention):
        assert routed.classification == classified[routed.mention.id]


@pytest.mark.parametrize("kind", [TimerStart, SlaEvent])
def test_clocks_run_for_the_conversation_of_their_mention(kind: type[TimerStart] | type[SlaEvent]) -> None:
    for example in examples_of(kind):
        mention = mention_with(example.mention)
        assert (example.conversation, example.started_at) == (conversation_of(mention), mention.posted_at)


def test_events_have_the_due_time_of_their_start() -> None:
    due = {start.mention: start.due_at for start in examples_of(TimerStart)}
    for event in examples_of(SlaEvent):
        if event.target == "first_response":
            assert event.due_at == due[event.mention]


def test_each_cycle_has_one_verdict_and_the_reply_decides_which() -> None:
    responded = {respond.conversation: respond.responded_at for respond in examples_of(TimerRespond)}
    for start in examples_of(TimerStart):
        kinds = [
            event.kind
            for event in examples_of(SlaEvent)
            if event.mention == start.mention and event.target == "first_response"
        ]
        expected = "met" if responded[start.conversation] <= start.due_at else "breached"
        assert [kind for kind in kinds if kind in ("met", "breached")] == [expected]
        assert kinds.count("started") == 1


def test_a_respond_names_its_reply() -> None:
    replies = {reply.id: reply for reply in examples_of(PublicReply)}
    for respond in examples_of(TimerRespond):
        reply = replies[respond.reply]
        assert (respond.conversation, respond.responded_at) == (conversation_of(reply), reply.posted_at)


def test_the_desk_hears_of_the_mentions_as_they_were_routed() -> None:
    routed = {example.mention.id: example for example in examples_of(RoutedMention)}
    for inbound in examples_of(DeskInbound):
        example = routed[inbound.mention]
        assert (inbound.conversation, inbound.posted_at) == (
            conversation_of(example.mention),
            example.mention.posted_at,
        )
        assert (inbound.team, inbound.queue) == (example.routing.team, example.routing.owner)


def test_every_command_has_an_example() -> None:
    assert {example.action.do for example in examples_of(DeskCommand)} == set(get_args(ActionName))


def test_an_answer_is_that_of_its_command() -> None:
    commands = {command.id: command for command in examples_of(DeskCommand)}
    for answer in examples_of(DeskAnswer):
        command = commands[answer.command]
        assert (answer.conversation, answer.by, answer.action) == (command.conversation, command.by, command.action.do)
