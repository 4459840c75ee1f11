"""Who may send to the gateway."""

import pytest

from gateway.http import token_digests
from streams.settings import SettingsError
from tests.gateway.intake_client import TOKEN, TOKEN_DIGEST, caller, post

OTHER_DIGEST = "0" * 64


async def test_a_caller_on_this_machine_needs_no_token_where_none_is_configured(kafka: str) -> None:
    async with caller(kafka, address="::ffff:127.0.0.1", url="http://localhost:8710") as client:
        assert (await client.post("/v1/mentions", json=post())).status_code == 202


async def test_a_caller_from_elsewhere_is_refused_where_no_token_is_configured(kafka: str) -> None:
    async with caller(kafka, address="192.0.2.7") as client:
        answer = await client.post("/v1/mentions", json=post())
    assert answer.status_code == 403
    assert "TENFOUR_GATEWAY_TOKENS" in answer.json()["error"]


async def test_a_caller_through_a_proxy_on_this_machine_is_refused(kafka: str) -> None:
    async with caller(kafka) as client:
        answer = await client.post("/v1/mentions", json=post(), headers={"X-Forwarded-For": "127.0.0.1"})
    assert answer.status_code == 403


async def test_a_web_page_that_renamed_this_machine_is_refused(kafka: str) -> None:
    async with caller(kafka, url="http://elsewhere.example:8710") as client:
        assert (await client.post("/v1/mentions", json=post())).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Authorization": TOKEN}, {"Authorization": "Bearer "}])
async def test_without_a_token_the_answer_is_401(kafka: str, headers: dict[str, str]) -> None:
    async with caller(kafka, gateway_tokens=TOKEN_DIGEST) as client:
        answer = await client.post("/v1/mentions", json=post(), headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_a_wrong_token_is_refused(kafka: str) -> None:
    async with caller(kafka, gateway_tokens=TOKEN_DIGEST) as client:
        answer = await client.post("/v1/mentions", json=post(), headers={"Authorization": "Bearer another"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_the_digest_of_a_token_is_no_token(kafka: str) -> None:
    async with caller(kafka, gateway_tokens=TOKEN_DIGEST) as client:
        headers = {"Authorization": f"Bearer {TOKEN_DIGEST}"}
        assert (await client.post("/v1/mentions", json=post(), headers=headers)).status_code == 401


async def test_any_configured_token_lets_in_callers_from_elsewhere(kafka: str) -> None:
    tokens = f"{OTHER_DIGEST}, {TOKEN_DIGEST.upper()}"
    async with caller(kafka, gateway_tokens=tokens, address="192.0.2.7", url="http://gateway.example") as client:
        answer = await client.post("/v1/mentions", json=post(), headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 202


async def test_the_right_to_send_is_checked_before_the_body(kafka: str) -> None:
    async with caller(kafka, gateway_tokens=TOKEN_DIGEST, gateway_max_bytes=10) as client:
        assert (await client.post("/v1/mentions", json=post())).status_code == 401


async def test_probes_need_no_token(kafka: str) -> None:
    async with caller(kafka, gateway_tokens=TOKEN_DIGEST, address="192.0.2.7") as client:
        assert (await client.get("/healthz")).status_code == 200


def test_a_token_in_place_of_its_digest_is_refused_without_being_told() -> None:
    with pytest.raises(SettingsError, match="item 2 is no SHA-256 digest") as refused:
        token_digests(f"{OTHER_DIGEST},hunter2")
    assert "hunter2" not in str(refused.value)
