"""The API does what its description says, whatever it is sent: over real HTTP, with the real desk behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console.rights import RIGHTS
from streams.settings import Settings
from tests.console.commanded_desk import proposed, write_inbox
from tests.console.desk_api import bearer
from tests.console.served_desk import INCIDENT, ServedDesk, fill
from tests.domain.desk_log import inbound

EVERYTHING = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""What is sent to each route."""
LONGEST_QUERY = 20_000
"""Characters. Far longer ones are cut off by the HTTP server, with the connection."""
KEY = "Delta:twitter:991"
"""The key in the description's examples."""
KNOWN = {"key": KEY, "id": INCIDENT}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
GUARDED = sorted((path, method) for method, path in RIGHTS if path.startswith("/v1/"))


@pytest.fixture(scope="module")
def description(staffed_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """What a served API says of itself, with a little of everything in its read model."""
    database = f"sqlite:///{tmp_path_factory.mktemp('desk')}/desk.db"
    fill(database, KEY)
    asyncio.run(write_inbox(staffed_kafka, [(KEY, inbound(conversation=KEY))]))
    asyncio.run(proposed(staffed_kafka, KEY, incident=INCIDENT))
    settings = Settings(bootstrap=staffed_kafka, database=database, console_port=0, console_burst=100_000)
    with ServedDesk(settings) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")  # of Schemathesis itself
@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_every_answer_is_one_that_the_description_has_and_none_is_a_failure(
    description: schemathesis.BaseSchema, path: str, method: str
) -> None:
    operation = description[path][method]
    names = [name for name in KNOWN if f"{{{name}}}" in path and (name == "key" or "incidents" in path)]
    known = {"path_parameters": {name: KNOWN[name] for name in names}} if names else {}
    cases = st.one_of(operation.as_strategy(**known), *[operation.as_strategy(mode) for mode in GenerationMode])

    @EVERYTHING
    @given(cases)
    def whatever_is_sent(case: Case) -> None:
        assume(len(str(case.query)) < LONGEST_QUERY)
        case.call_and_validate(headers=bearer("ada"), checks=CHECKS)

    whatever_is_sent()


def test_every_route_is_described_with_a_summary_and_its_refusals(description: schemathesis.BaseSchema) -> None:
    for path, method in GUARDED:
        raw = description.raw_schema["paths"][path][method.lower()]
        assert raw["summary"]
        assert {"401", "403", "429"} <= raw["responses"].keys()
        assert raw["security"]
