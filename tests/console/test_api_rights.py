"""Who may use which route: by the one table, for every route and every role."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from starlette.routing import BaseRoute, Route

from console.rights import RIGHTS
from tests.console.desk_api import STAFF, DeskApi, api, bearer

BY_ROLE = {person.role: person.id for person in STAFF if person.active and person.role != "wizard"}
MAY_COMMAND = {"agent", "lead", "approver", "admin"}
GUARDED = [route for route, right in RIGHTS.items() if right != "anyone"]


def methods(route: BaseRoute) -> set[tuple[str, str]]:
    assert isinstance(route, Route)
    return {(method, route.path) for method in (route.methods or set()) - {"HEAD"}}


def filled(path: str) -> str:
    return path.replace("{key}", "Delta:x:1").replace("{id}", "k1")


async def test_every_route_has_a_right_and_no_right_is_for_nothing(sqlite: Engine) -> None:
    async with api(sqlite) as desk:
        found = set[tuple[str, str]]().union(*[methods(route) for route in desk.app.routes])
    assert found == set(RIGHTS)


@pytest.mark.parametrize("role", sorted(BY_ROLE))
@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_a_role_may_use_the_routes_of_its_rights_and_no_other(
    small_desk: DeskApi, method: str, path: str, role: str
) -> None:
    allowed = RIGHTS[method, path] == "read" or role in MAY_COMMAND
    answer = await small_desk.client.request(method, filled(path), headers=bearer(BY_ROLE[role]))
    expected = {200, 404, 422} if allowed else {403}  # nothing is sent: who may gets as far as that
    assert answer.status_code in expected, answer.text
    if not allowed:
        assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_no_guarded_route_answers_without_a_token(small_desk: DeskApi, method: str, path: str) -> None:
    answer = await small_desk.client.request(method, filled(path))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(("person", "code"), [("gus", "unknown_person"), ("rex", "unknown_role")])
@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_no_guarded_route_answers_who_has_left_or_has_an_unknown_role(
    small_desk: DeskApi, method: str, path: str, person: str, code: str
) -> None:
    answer = await small_desk.client.request(method, filled(path), headers=bearer(person))
    assert (answer.status_code, answer.json()["code"]) == (403, code)
