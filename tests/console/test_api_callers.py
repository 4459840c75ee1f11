"""Who is let in, how often, and with how much."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import Engine, text

from console.tokens import add_token, revoke_token
from tests.console.desk_api import DeskApi, api, bearer, token_of
from tests.console.rows import at

GIVE = "/v1/conversations/Delta:x:1/commands"


async def test_the_caller_is_the_person_of_the_token(desk: DeskApi) -> None:
    me = await desk.shown("/v1/me", "lea")
    assert me == {
        "person": "lea",
        "name": "Lea",
        "role": "lead",
        "teams": ["support", "sales"],
        "may": ["answer", "take_over", "assign", "approve", "acknowledge"],
        "token": me["token"],
        "label": "Lea's",
    }


async def test_without_any_token_the_refusal_says_how_to_make_one(sqlite: Engine) -> None:
    async with api(sqlite, staffed=False) as desk:
        answer = await desk.get("/v1/me", "ann")
    assert answer.status_code == 401
    assert "tenfour tokens create" in answer.json()["error"]


@pytest.mark.parametrize(
    "given", ["Bearer another", "Bearer ", "token of ann", "Basic dG9rZW4=", "Bearer " + "x" * 300]
)
async def test_a_token_that_is_none_lets_nobody_in(small_desk: DeskApi, given: str) -> None:
    answer = await small_desk.client.get("/v1/me", headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_digest_of_a_token_is_no_token(small_desk: DeskApi) -> None:
    with small_desk.engine.connect() as connection:
        digest = connection.scalar(text("SELECT digest FROM api_tokens WHERE person = 'ann'"))
    assert (await small_desk.client.get("/v1/me", headers={"Authorization": f"Bearer {digest}"})).status_code == 401


async def test_a_revoked_token_lets_nobody_in_from_then_on(desk: DeskApi) -> None:
    token = (await desk.shown("/v1/me", "ann"))["token"]
    with desk.engine.begin() as connection:
        assert revoke_token(connection, token, at(1))
    answer = await desk.get("/v1/me", "ann")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert (await desk.get("/v1/me", "bob")).status_code == 200


async def test_a_token_of_somebody_whom_the_desk_does_not_know_is_refused(small_desk: DeskApi) -> None:
    with small_desk.engine.begin() as connection:
        add_token(connection, token_of("zoe"), "zoe", "early", at(0))
    answer = await small_desk.get("/v1/me", "zoe")
    assert (answer.status_code, answer.json()["code"]) == (403, "unknown_person")


async def test_who_asks_too_often_is_told_to_wait_and_others_are_not(sqlite: Engine) -> None:
    async with api(sqlite, console_rate=2, console_burst=3) as desk:
        assert [(await desk.get("/v1/me", "ann")).status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = await desk.get("/v1/me", "ann")
        assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (429, "1", "too_many")
        assert (await desk.get("/v1/me", "bob")).status_code == 200
        desk.hand.steady += 0.5
        assert [(await desk.get("/v1/me", "ann")).status_code for _ in range(2)] == [200, 429]


async def test_a_body_that_is_too_large_is_refused(small_desk: DeskApi) -> None:
    body = b'{"do": "note", "text": "' + b"x" * 2_000_000 + b'"}'
    answer = await small_desk.client.post(GIVE, headers=bearer("ann"), content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_who_may_not_call_is_told_so_before_the_body_is_read(small_desk: DeskApi) -> None:
    assert (await small_desk.client.post(GIVE, content=b"x" * 2_000_000)).status_code == 401


async def test_answers_are_kept_by_no_browser(small_desk: DeskApi) -> None:
    for answer in (await small_desk.get("/v1/me"), await small_desk.client.get("/v1/me")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


async def test_probes_and_the_description_need_no_token(small_desk: DeskApi) -> None:
    assert (await small_desk.client.get("/healthz")).json() == {"status": "ok"}
    assert (await small_desk.client.get("/openapi.json")).status_code == 200
    assert (await small_desk.client.get("/readyz")).status_code == 503  # there is no broker


async def test_a_database_that_is_gone_is_told_without_its_words(
    small_desk: DeskApi, caplog: pytest.LogCaptureFixture
) -> None:
    with small_desk.engine.begin() as connection:
        connection.execute(text("ALTER TABLE api_tokens RENAME TO elsewhere"))
    answer = await small_desk.get("/v1/me", "ann")
    with small_desk.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO api_tokens"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "SELECT" not in answer.text + caplog.text


async def test_nothing_of_a_request_is_logged(small_desk: DeskApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    await small_desk.get("/v1/conversations", brand="secret", type="secret")
    await small_desk.client.post(GIVE, headers=bearer("ann"), json={"do": "note", "text": "secret", "secret": 1})
    assert "secret" not in caplog.text
