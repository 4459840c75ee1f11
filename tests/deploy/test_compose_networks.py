"""Who reaches whom in `docker-compose.yml`, and what must be known to be let in."""

from __future__ import annotations

import re

import pytest

from streams.settings import load_settings
from tests.deploy.compose_file import read_compose_file
from tests.deploy.processes import COMMANDS_OF, NEED_SETTINGS, PREPARING, SERVE_HTTP, USE_THE_READ_MODEL

COMPOSE = read_compose_file()
SERVICES = COMPOSE.services
WATCHING = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|(^|_)KEY")
GIVEN = re.compile(r"\$\{\w+:(-|\?[^}]+)\}")
"""A variable without a default: empty, or refused where it is not set."""


def _on(network: str) -> set[str]:
    return {name for name, service in SERVICES.items() if network in service.networks}


def test_what_people_call_is_published_to_this_machine_alone() -> None:
    ports = {name: getattr(load_settings(SERVICES[name].settings), port) for name, port in SERVE_HTTP.items()}
    assert {name: service.ports for name, service in SERVICES.items() if service.ports} == {
        name: (f"127.0.0.1:{port}:{port}",) for name, port in (ports | WATCHING).items()
    }


def test_kafka_is_reached_by_those_who_read_or_write_the_log() -> None:
    assert SERVICES["kafka"].networks == ("pipeline",)
    assert _on("pipeline") == {"kafka", "topics", *COMMANDS_OF}


def test_postgresql_is_reached_by_those_who_read_or_write_the_read_model() -> None:
    assert SERVICES["postgres"].networks == ("database",)
    assert _on("database") == {"postgres", *USE_THE_READ_MODEL}


def test_every_process_is_reached_by_prometheus_and_what_prepares_is_not() -> None:
    assert _on("metrics") == {"prometheus", *COMMANDS_OF}
    assert not _on("metrics") & PREPARING.keys()


def test_only_those_have_a_way_in_or_out_who_need_one() -> None:
    assert {name for name, network in COMPOSE.networks.items() if not network.internal} == {"edge", "monitoring"}
    assert _on("edge") == {*SERVE_HTTP, *NEED_SETTINGS}
    assert _on("monitoring") == WATCHING.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_on_no_network_that_is_not_declared(name: str) -> None:
    assert set(SERVICES[name].networks) <= COMPOSE.networks.keys()
    assert SERVICES[name].networks


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("gateway", "TENFOUR_GATEWAY_TOKENS"),
        ("postgres", "POSTGRES_PASSWORD"),
        ("grafana", "GF_SECURITY_ADMIN_PASSWORD"),
        *((name, "PGPASSWORD") for name in sorted(USE_THE_READ_MODEL)),
    ],
)
def test_nothing_starts_without_what_lets_in(name: str, variable: str) -> None:
    assert re.match(r"\$\{\w+:\?", SERVICES[name].environment[variable])


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down(name: str) -> None:
    secrets = {key: value for key, value in SERVICES[name].environment.items() if SECRET.search(key)}
    assert [key for key, value in secrets.items() if not GIVEN.fullmatch(value)] == []
    assert not any(SECRET.search(word.upper()) for word in SERVICES[name].command)


def test_grafana_lets_nobody_in_who_does_not_sign_in() -> None:
    grafana = SERVICES["grafana"].environment
    assert (grafana["GF_AUTH_ANONYMOUS_ENABLED"], grafana["GF_USERS_ALLOW_SIGN_UP"]) == ("false", "false")
