from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codecs import KINDS, Codec, UndecodableRecord, decode, encode
from schemas.records import AnyRecord, Mention, PublicReply, Tick
from tests.schemas.record_strategies import mentions, records, ticks

MENTION: dict[str, Any] = {
    "record": "mention",
    "version": 1,
    "id": "a",
    "brand": "Acme",
    "channel": "forum",
    "thread": "7",
    "post": "8",
    "author": "@user",
    "text": "Where is my parcel?",
    "posted_at": "2020-04-01T17:31:32Z",
    "received_at": "2020-04-01T17:31:33Z",
}


def mention_bytes(**changes: Any) -> bytes:
    return json.dumps(MENTION | changes).encode()


def refusal(value: bytes | None) -> str:
    with pytest.raises(UndecodableRecord) as refused:
        decode(value)
    return str(refused.value)


@given(records)
@settings(deadline=None)
def test_every_record_comes_back_as_it_went(record: AnyRecord) -> None:
    assert decode(encode(record)) == record


@given(records)
@settings(deadline=None)
def test_an_encoded_record_is_the_same_bytes_after_a_round_trip(record: AnyRecord) -> None:
    assert encode(decode(encode(record))) == encode(record)


@given(st.binary())
@settings(deadline=None)
def test_any_bytes_give_a_record_or_a_refusal(value: bytes) -> None:
    with suppress(UndecodableRecord):
        decode(value)


@given(records, st.data())
@settings(deadline=None)
def test_a_damaged_record_gives_a_record_or_a_refusal(record: AnyRecord, data: st.DataObject) -> None:
    value = bytearray(encode(record))
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UndecodableRecord):
        decode(bytes(value))


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_record_is_known_by_its_own_name(kind: str) -> None:
    assert KINDS[kind].model_fields["record"].default == kind


def test_a_field_that_this_release_does_not_know_is_ignored() -> None:
    assert decode(mention_bytes(mood="sunny")) == decode(mention_bytes())


def test_an_instant_with_an_offset_is_read_as_utc() -> None:
    shifted = decode(mention_bytes(posted_at="2020-04-01T19:31:32+02:00"))
    assert encode(shifted) == encode(decode(mention_bytes()))


def test_a_tombstone_is_refused() -> None:
    assert refusal(None) == "no value: a tombstone, not a record"


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b"{", b'{"text": "\\ud800"}', b"[" * 100_000])
def test_bytes_that_are_not_json_are_refused_as_such(value: bytes) -> None:
    assert refusal(value).startswith("not JSON: ")


@pytest.mark.parametrize("value", [b"[]", b"3", b"null", b'"mention"'])
def test_json_that_is_no_object_is_refused_as_such(value: bytes) -> None:
    assert refusal(value) == "not a record: not a JSON object"


def test_an_object_that_does_not_say_what_it_is_is_refused_as_such() -> None:
    assert refusal(b'{"id": "a"}') == "not a record: no field `record` says what it is"


def test_an_unknown_record_is_named() -> None:
    assert refusal(mention_bytes(record="price_list")) == "unknown record `price_list`"


def test_an_unknown_part_of_a_record_is_named_where_it_is() -> None:
    command = {"record": "desk_command", "version": 1, "id": "a", "conversation": "b", "by": "c"}
    sent = {"sent_at": "2020-04-01T17:31:32Z", "action": {"do": "dance"}}
    assert refusal(json.dumps(command | sent).encode()) == "desk_command, field action: unknown `dance`"


def test_an_unknown_version_is_named_whatever_else_is_wrong() -> None:
    assert refusal(mention_bytes(version=2, text=None, author=3)) == "unknown schema version 2 of mention"


def test_an_unknown_version_of_a_record_within_a_record_is_named() -> None:
    nested = {"record": "classified_mention", "version": 1, "id": "b", "mention": MENTION | {"version": 7}}
    assert refusal(json.dumps(nested).encode()) == "unknown schema version 7 of mention"


@pytest.mark.parametrize("version", ["1", None, [], 10**30])
def test_a_version_that_is_no_version_is_refused(version: object) -> None:
    assert refusal(mention_bytes(version=version)) == "unknown schema version (withheld) of mention"


def test_a_record_without_a_version_is_refused() -> None:
    without = {name: value for name, value in MENTION.items() if name != "version"}
    assert refusal(json.dumps(without).encode()) == "mention without a schema version"


def test_a_time_without_an_offset_is_refused_with_its_field() -> None:
    expected = "mention, field posted_at: Input should have timezone info"
    assert refusal(mention_bytes(posted_at="2020-04-01T17:31:32")) == expected


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00", "2200-01-01T00:00:00Z"])
def test_a_time_to_which_no_target_could_be_added_is_refused(at: str) -> None:
    assert refusal(mention_bytes(posted_at=at)).endswith("lies outside the years 1900 to 2199 in UTC")


@pytest.mark.parametrize(
    ("field", "value"),
    [("author_verified", "yes"), ("author_followers", "12"), ("posted_at", 1585762292), ("post", 8)],
)
def test_a_value_that_would_need_guessing_is_refused(field: str, value: object) -> None:
    assert f"field {field}: " in refusal(mention_bytes(**{field: value}))


def test_a_text_longer_than_any_channel_allows_is_refused() -> None:
    expected = "mention, field text: String should have at most 100000 characters"
    assert refusal(mention_bytes(text="a" * 2_000_000)) == expected


def test_further_complaints_are_counted() -> None:
    assert refusal(b'{"record": "mention", "version": 1}') == "mention, field id: Field required (and 8 more)"


@pytest.mark.parametrize("field", [*MENTION, "url", "author_followers", "author_verified"])
@pytest.mark.parametrize("value", ["Jane 555-0100", ["Jane 555-0100"], {"Jane 555-0100": 1}, "Jane 555-0100" * 9000])
def test_no_refusal_quotes_the_content(field: str, value: object) -> None:
    with pytest.raises(UndecodableRecord) as refused:
        decode(mention_bytes(**{field: value, "received_at": "Jane 555-0100"}))
    assert "555" not in str(refused.value)
    assert refused.value.__suppress_context__


@given(mentions | ticks)
@settings(deadline=None, max_examples=20)
def test_a_topics_codec_reads_what_belongs_there(record: Mention | Tick) -> None:
    raw: Codec[Mention | PublicReply | Tick] = Codec(Mention, PublicReply, Tick)
    assert raw.decode(encode(record)) == record


def test_a_known_record_on_a_topic_where_it_does_not_belong_is_refused() -> None:
    replies_only: Codec[PublicReply | Tick] = Codec(PublicReply, Tick)
    with pytest.raises(UndecodableRecord) as refused:
        replies_only.decode(mention_bytes())
    assert str(refused.value) == "mention does not belong here, only public_reply or tick"
