"""One conversation with all that belongs to it, whatever its key looks like."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from console.routes_conversations import MAX_LATEST
from console.tables import CONVERSATIONS, ESCALATIONS, POSTS, REPLIES, TIMERS, TRAIL
from schemas.ids import conversation_key
from tests.console.desk_api import DeskApi
from tests.console.rows import at, conversation, escalation, event, post, reply, timer


def path_of(key: str) -> str:
    return f"/v1/conversations/{quote(key, safe='')}"


async def test_a_conversation_is_shown_with_all_that_belongs_to_it(desk: DeskApi) -> None:
    desk.have(CONVERSATIONS, conversation(), conversation("Delta:x:2"))
    desk.have(POSTS, post("m1"), post("m2", posted_at=at(3)), post("other", "Delta:x:2"))
    desk.have(TIMERS, timer())
    desk.have(REPLIES, reply())
    desk.have(ESCALATIONS, escalation())
    desk.have(TRAIL, event(2), event(1))
    shown = await desk.shown(path_of("Delta:x:1"))
    assert shown["conversation"]["conversation"] == "Delta:x:1"
    parts = ("posts", "timers", "replies", "escalations", "trail")
    assert {name: [item["id"] for item in shown[name]["items"]] for name in parts} == {
        "posts": ["m1", "m2"],
        "timers": ["Delta:x:1|first_response|c1"],
        "replies": ["r1"],
        "escalations": ["e1"],
        "trail": ["t1", "t2"],
    }
    assert shown["replies"]["items"][0]["promises"] == [{"action": "refund", "amount": 6000, "currency": "EUR"}]
    assert shown["posts"]["items"][0]["risk_flags"] == ["refund_request"]
    assert not any(shown[name]["more"] for name in parts)


async def test_of_a_long_conversation_the_last_is_shown(desk: DeskApi) -> None:
    desk.have(CONVERSATIONS, conversation())
    desk.have(TRAIL, *[event(number) for number in range(MAX_LATEST + 5)])
    trail = (await desk.shown(path_of("Delta:x:1")))["trail"]
    assert (len(trail["items"]), trail["more"]) == (MAX_LATEST, True)
    assert (trail["items"][0]["id"], trail["items"][-1]["id"]) == ("t5", f"t{MAX_LATEST + 4}")


@pytest.mark.parametrize(
    "parts",
    [
        ("AT&T", "x", "1"),
        ("Delta", "x", "a/b"),
        ("Delta", "x", "a:b"),
        ("Delta", "x", "50%"),
        ("Delta", "x", "%2F"),
        ("Müller & Söhne", "über", "日本"),
        ("Delta", "x", "../../etc"),
        ("Delta", "x", "commands"),
        ("a b", "x", "?q=1#top"),
    ],
)
async def test_a_key_with_any_characters_finds_its_conversation(small_desk: DeskApi, parts: tuple[str, ...]) -> None:
    key = conversation_key(*parts)
    small_desk.have(CONVERSATIONS, conversation(key))
    shown = (await small_desk.shown(path_of(key)))["conversation"]
    assert (shown["conversation"], (shown["brand"], shown["channel"], shown["thread"])) == (key, parts)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/conversations/AT%26T:x:1",  # encoded once: the key itself has %26
        "/v1/conversations/Delta:x",
        "/v1/conversations/Delta:x:1:2",
        "/v1/conversations/Delta:x:%00",
        "/v1/conversations/Delta:x:%FF",
        f"/v1/conversations/Delta:x:{'1' * 10_000}",
    ],
)
async def test_what_is_no_key_is_refused_with_a_hint(small_desk: DeskApi, path: str) -> None:
    answer = await small_desk.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), answer.text
    assert [problem["field"] for problem in answer.json()["fields"]] == ["key"]


async def test_a_conversation_that_is_not_known_is_404(small_desk: DeskApi) -> None:
    answer = await small_desk.get("/v1/conversations/Delta:x:404")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_conversation")


async def test_a_path_that_leads_nowhere_is_answered_in_the_same_shape(small_desk: DeskApi) -> None:
    found: list[Any] = [await small_desk.get("/v1/nothing"), await small_desk.client.get("/nothing")]
    assert [(answer.status_code, answer.json()["code"]) for answer in found] == [(404, "not_found")] * 2
