"""Fixtures and options for every test."""

import pytest

pytest_plugins = [
    "tests.kafka_broker",
    "tests.pipeline.fixtures",
    "tests.console.desk_api",
    "tests.console.commanded_desk",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos", action="store_true", help="run the long proofs by kills and restarts too")
    parser.addoption("--conversations", type=int, default=1000, help="how many people race for at the desk")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "chaos: takes minutes; runs only with --chaos")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--chaos"):
        for item in items:
            if item.get_closest_marker("chaos"):
                item.add_marker(pytest.mark.skip(reason="needs --chaos"))
