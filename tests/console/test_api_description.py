"""The API does what its description says, whatever it is sent: over real HTTP, with the real desk behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from streams.settings import Settings
from tests.console.desk_api import bearer
from tests.console.served_desk import ServedDesk, fill

EXAMPLES = 10
"""Of each route, beside those of the coverage of its description."""
KEY = "Delta:twitter:991"
"""The key in the description's examples."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CONFIG = {"generation": {"database": "none"}, "phases": {"coverage": {"unexpected-methods": []}}}


@pytest.fixture(scope="module")
def address(staffed_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the API listens, with a little of everything in its read model."""
    database = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'desk.db'}"
    fill(database, KEY)
    settings = Settings(bootstrap=staffed_kafka, database=database, console_port=0, console_burst=100_000)
    with ServedDesk(settings) as address:
        yield address


@pytest.fixture(scope="module")
def description(address: str) -> schemathesis.BaseSchema:
    config = SchemathesisConfig.from_dict(CONFIG)
    return schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)


schema = schemathesis.pytest.from_fixture("description")


@schema.include(path_regex="^/v1/").parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_description_has_and_none_is_a_failure(case: Case) -> None:
    case.call_and_validate(headers=bearer("ada"), checks=CHECKS)
