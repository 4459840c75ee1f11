from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from schemas.compatibility import Schema, breaking_changes
from schemas.desk_records import DeskCommand
from schemas.publish import schema_of
from schemas.records import ClassifiedMention, Mention

Change = Callable[[Schema], Any]


def complaints(change: Change) -> list[str]:
    published = schema_of(Mention)
    current = copy.deepcopy(published)
    change(current)
    return list(breaking_changes(published, current))


def rename_text(schema: Schema) -> None:
    schema["properties"]["body"] = schema["properties"].pop("text")
    schema["required"][schema["required"].index("text")] = "body"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda s: (s["required"].remove("text"), s["properties"].pop("text")),
            "Mention.text: a required field was removed or renamed",
        ),
        (rename_text, "Mention.text: a required field was removed or renamed"),
        (lambda s: s["required"].remove("text"), "Mention.text: a required field has become optional"),
        (lambda s: s["required"].append("url"), "Mention.url: is now required, which older records lack"),
        (
            lambda s: s["properties"]["text"].update(type="integer"),
            "Mention.text: its type changed from string to integer",
        ),
        (
            lambda s: s["properties"]["posted_at"].pop("format"),
            "Mention.posted_at: its type changed from string date-time to string",
        ),
        (
            lambda s: s["properties"]["author_followers"]["anyOf"].pop(),
            "Mention.author_followers: its type changed from integer or null to integer",
        ),
        (lambda s: s["properties"]["version"].update(const=2), "Mention.version: no longer takes 1"),
        (lambda s: s["properties"]["brand"].update(enum=["Acme"]), "Mention.brand: now takes only Acme"),
        (
            lambda s: s["properties"]["text"].update(maxLength=280),
            "Mention.text: its maxLength became narrower",
        ),
        (
            lambda s: s["properties"]["text"].update(minLength=1),
            "Mention.text: its minLength became narrower",
        ),
    ],
)
def test_a_breaking_change_is_named_with_what_to_do(change: Change, complaint: str) -> None:
    assert f"{complaint}; give the record a new version" in complaints(change)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: None,
        lambda s: s["properties"].update(language={"type": "string"}),
        lambda s: s["properties"]["text"].update(maxLength=200_000),
        lambda s: s["properties"]["text"].update(description="What was said."),
    ],
)
def test_an_added_optional_field_or_a_wider_limit_breaks_nothing(change: Change) -> None:
    assert complaints(change) == []


def test_a_change_of_a_record_within_a_record_is_seen() -> None:
    published = schema_of(ClassifiedMention)
    current = copy.deepcopy(published)
    current["$defs"]["Classification"]["properties"]["type"]["enum"].remove("spam")
    expected = "Classification.type: no longer takes spam; give the record a new version"
    assert list(breaking_changes(published, current)) == [expected]


def test_a_new_value_of_an_enumeration_breaks_nothing() -> None:
    published = schema_of(ClassifiedMention)
    current = copy.deepcopy(published)
    current["$defs"]["Classification"]["properties"]["type"]["enum"].append("press_inquiry")
    assert list(breaking_changes(published, current)) == []


def test_a_command_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    published = schema_of(DeskCommand)
    current = copy.deepcopy(published)
    current["properties"]["action"]["oneOf"].remove({"$ref": "#/$defs/Undo"})
    (complaint,) = breaking_changes(published, current)
    assert complaint.startswith("DeskCommand.action: no longer takes Undo")
    assert list(breaking_changes(current, published)) == []
