"""The demo data: what it must never hold, and what the rest relies on."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from gateway.build_bundle import BUNDLE, SOURCE, Turn, bundle_lines, kept_conversations, main, masked
from gateway.replay_file import read_replay
from models.held_out import HeldOut, essence, key_of, read_keys
from schemas.records import Mention, PublicReply

SHARED = Path(__file__).parents[2].parent / "shared"
KEYS, DATA = SHARED / "held_out.txt", SHARED / "data"
NOTHING = HeldOut(frozenset(), frozenset())


@pytest.fixture(scope="module")
def records() -> list[Mention | PublicReply]:
    return read_replay(BUNDLE)


def turn(text: str, *, thread: str = "t-1", post: str = "1", by_customer: bool = True) -> Turn:
    return Turn(thread, by_customer, "Acme", "2020-04-01T17:31:32Z", post, text)


@pytest.mark.skipif(not KEYS.is_file(), reason="the list of held-out texts is not at hand")
def test_the_bundle_holds_no_held_out_text(records: list[Mention | PublicReply]) -> None:
    keys = read_keys(KEYS)
    assert keys
    assert not [record.id for record in records if key_of(record.text) in keys]


@pytest.mark.skipif(not (DATA / SOURCE).is_file(), reason="the source data are not at hand")
def test_the_bundle_is_what_its_script_makes_of_the_source_without_near_copies(tmp_path: Path) -> None:
    rebuilt = tmp_path / "mentions.jsonl"
    main(["--data", str(DATA), "--held-out", str(KEYS), "--to", str(rebuilt)])
    assert rebuilt.read_bytes() == BUNDLE.read_bytes()


def test_no_id_stands_twice(records: list[Mention | PublicReply]) -> None:
    assert len({record.id for record in records}) == len(records)


def test_posts_are_in_the_order_of_their_times(records: list[Mention | PublicReply]) -> None:
    times = [record.posted_at for record in records]
    assert times == sorted(times)


def test_every_conversation_begins_with_a_mention_and_has_a_reply(
    records: list[Mention | PublicReply],
) -> None:
    threads: dict[str, list[str]] = {}
    for record in records:
        threads.setdefault(record.thread, []).append(record.record)
    assert all(kinds[0] == "mention" and "public_reply" in kinds for kinds in threads.values())


def test_no_text_is_empty(records: list[Mention | PublicReply]) -> None:
    assert all(record.text.strip() for record in records)


def test_no_text_holds_an_e_mail_address(records: list[Mention | PublicReply]) -> None:
    assert not [record.id for record in records if re.search(r"[\w.+-]+@[\w-]+\.\w", record.text)]


def test_every_handle_is_masked_or_a_brands(records: list[Mention | PublicReply]) -> None:
    brands = {record.brand.casefold() for record in records}
    handles = {handle for record in records for handle in re.findall(r"@(\w+)", record.text)}
    assert {handle.casefold() for handle in handles} <= brands | {"user"}


def test_no_customer_is_named_as_author(records: list[Mention | PublicReply]) -> None:
    for record in records:
        assert record.author == ("@user" if isinstance(record, Mention) else f"@{record.brand}")


def test_no_customers_link_is_left(records: list[Mention | PublicReply]) -> None:
    assert not [r.id for r in records if isinstance(r, Mention) and re.search(r"https?:", r.text)]


def test_the_source_note_states_the_true_counts(records: list[Mention | PublicReply]) -> None:
    kinds = Counter(record.record for record in records)
    conversations = len({record.thread for record in records})
    note = " ".join((BUNDLE.parent / "SOURCE.md").read_text("utf-8").split())
    assert f"{kinds['mention']} mentions and {kinds['public_reply']} replies in {conversations} conversations" in note


def test_the_licence_lies_beside_the_bundle() -> None:
    assert "Apache License" in (BUNDLE.parent / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "@Acme  Where is my\nparcel?",
        "@someone where is my PARCEL",
        "Where is my parcel? https://example.test/1 link",
        "where is my &quot;parcel&quot;",
    ],
)
def test_a_conversation_with_a_near_copy_is_dropped_whole(text: str) -> None:
    held_out = HeldOut(frozenset(), frozenset({essence("@Acme Where is my parcel?")}))
    near = [turn("Hello", post="1"), turn(text, post="2", by_customer=False)]
    other = [turn("Where is my other parcel?", thread="t-2", post="3")]
    assert list(kept_conversations([*near, *other], held_out)) == [other]


def test_a_text_is_recognised_by_its_key_when_it_has_no_words() -> None:
    held_out = HeldOut(frozenset({key_of("😡 😡")}), frozenset())
    assert list(kept_conversations([turn(" 😡\n😡")], held_out)) == []


def test_texts_without_words_are_no_near_copies_of_each_other() -> None:
    assert list(kept_conversations([turn("😡")], NOTHING)) == [[turn("😡")]]


def test_a_conversation_that_repeats_a_post_of_an_earlier_one_is_dropped() -> None:
    first, again = [turn("Hello")], [turn("Hello", thread="t-2"), turn("More", thread="t-2", post="2")]
    assert list(kept_conversations([*first, *again], NOTHING)) == [first]


def test_a_conversation_with_an_empty_text_is_dropped() -> None:
    assert list(kept_conversations([turn(" \n")], NOTHING)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://example.test/me and https: //example.test/you", "see link and link"),
        ("Hi my name is Jane Doe my account", "Hi my name is [name] my account"),
        ("Gamertag:janedoe\nhelp", "Gamertag: [name]\nhelp"),
    ],
)
def test_what_leads_to_a_customer_is_masked_in_mentions(text: str, expected: str) -> None:
    assert masked(turn(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "@user Hi Jane. Please see https://example.test",
            "@user Hi [name]. Please see https://example.test",
        ),
        ("@user @user Thanks, Jane!", "@user @user Thanks, [name]!"),
        ("@user Hi there. Please", "@user Hi there. Please"),
        ("@user Hello, If you can", "@user Hello, If you can"),
    ],
)
def test_a_greeted_name_is_masked_in_replies(text: str, expected: str) -> None:
    assert masked(turn(text, by_customer=False)) == expected


def test_a_line_of_the_bundle_is_a_post() -> None:
    (line,) = bundle_lines([[turn("Hello", by_customer=False)]])
    assert json.loads(line) == {
        "record": "public_reply",
        "brand": "Acme",
        "channel": "twitter",
        "thread": "t-1",
        "post": "1",
        "author": "@Acme",
        "text": "Hello",
        "posted_at": "2020-04-01T17:31:32Z",
    }


def test_a_missing_source_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--held-out", str(tmp_path / "keys")])
    assert f"no such file: {tmp_path / SOURCE}" in capsys.readouterr().err
