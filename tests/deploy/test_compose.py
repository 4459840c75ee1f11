"""`docker-compose.yml` against the product that it runs, without Docker."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping

import pytest
import uvicorn
from aiokafka import AIOKafkaProducer
from prometheus_client import start_http_server

from agents.registry import STAGES
from gateway.intake import new_gateway
from streams.faust_internals import FINISH_STARTED_S
from streams.settings import Settings, load_settings
from tests.deploy.compose_file import COMPOSE_FILE, REPOSITORY, Service, read_compose_file, seconds, variables

COMPOSE = read_compose_file()
SERVICES = COMPOSE.services
OURS = {name: service for name, service in SERVICES.items() if service.image.startswith("tenfour:")}
STAGE_SERVICES = {name: service for name, service in OURS.items() if service.command[0] == "run"}
LONG_RUNNING = {name: service for name, service in SERVICES.items() if name != "topics"}
PINNED = re.compile(r"[a-z/]+:\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?")

every_service = pytest.mark.parametrize("name", SERVICES)
every_service_of_ours = pytest.mark.parametrize("name", OURS)
every_long_running_service = pytest.mark.parametrize("name", LONG_RUNNING)


# What it runs


def test_every_stage_has_a_service_of_its_own() -> None:
    assert sorted(service.command for service in STAGE_SERVICES.values()) == sorted(("run", name) for name in STAGES)


def test_the_topics_and_the_gateway_have_a_service() -> None:
    others = {service.command for name, service in OURS.items() if name not in STAGE_SERVICES}
    assert others == {("topics", "apply"), ("gateway",)}


@every_service_of_ours
def test_every_setting_is_known_and_possible(name: str) -> None:
    settings = load_settings(SERVICES[name].settings)
    assert settings.bootstrap
    assert all(variable.startswith("TENFOUR_") for variable in SERVICES[name].environment)


def test_only_known_settings_are_taken_from_outside() -> None:
    known = {f"TENFOUR_{name.upper()}" for name in Settings.model_fields}
    assert variables(COMPOSE_FILE.read_text(encoding="utf-8")) <= known


def test_services_agree_on_what_they_share() -> None:
    shared = {"TENFOUR_BOOTSTRAP", "TENFOUR_PARTITIONS", "TENFOUR_REPLICATION", "TENFOUR_TICKS"}
    given = {tuple(service.environment[name] for name in sorted(shared)) for service in OURS.values()}
    assert len(given) == 1


@every_service
def test_every_image_is_pinned(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name].image), SERVICES[name].image


def test_our_image_has_the_product_s_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {service.image for service in OURS.values()} == {f"tenfour:{project['version']}"}


# In which order, and for how long


def test_nothing_runs_before_its_topics_are_as_declared() -> None:
    assert SERVICES["topics"].depends_on["kafka"].condition == "service_healthy"
    assert {name for name, service in OURS.items() if "topics" in service.depends_on} == OURS.keys() - {"topics"}
    conditions = {service.depends_on["topics"].condition for service in OURS.values() if "topics" in service.depends_on}
    assert conditions == {"service_completed_successfully"}


@every_service
def test_a_service_depends_on_services_that_can_meet_the_condition(name: str) -> None:
    for target, dependency in SERVICES[name].depends_on.items():
        met_by = {"service_healthy": LONG_RUNNING, "service_completed_successfully": {"topics"}}[dependency.condition]
        assert target in met_by


@every_long_running_service
def test_a_service_that_ends_is_restarted(name: str) -> None:
    assert SERVICES[name].restart == "unless-stopped"


def test_the_topics_are_applied_once() -> None:
    assert SERVICES["topics"].restart == "no"


@every_long_running_service
def test_a_service_has_time_to_stop(name: str) -> None:
    assert seconds(SERVICES[name].stop_grace_period) >= 15


@pytest.mark.parametrize("name", STAGE_SERVICES)
def test_a_stage_has_time_to_finish_what_it_has_started(name: str) -> None:
    assert seconds(SERVICES[name].stop_grace_period) > FINISH_STARTED_S


@pytest.mark.parametrize("name", STAGE_SERVICES)
def test_a_stage_can_be_scaled(name: str) -> None:
    assert not SERVICES[name].ports
    assert SERVICES[name].container_name is None


# Health


@every_long_running_service
def test_a_service_has_a_probe(name: str) -> None:
    probe = SERVICES[name].healthcheck
    assert probe is not None
    assert probe.test[0] == "CMD"


@pytest.mark.parametrize("name", STAGE_SERVICES)
def test_a_stage_s_probe_passes_exactly_while_its_metrics_are_served(name: str) -> None:
    server, thread = start_http_server(0, addr="127.0.0.1")
    port = {"TENFOUR_METRICS_PORT": str(server.server_port)}
    assert _probe(SERVICES[name], port).returncode == 0
    server.shutdown()
    server.server_close()
    thread.join()
    assert _probe(SERVICES[name], port).returncode != 0


async def test_the_gateway_s_probe_passes_while_it_serves() -> None:
    app = new_gateway(AIOKafkaProducer(), load_settings(SERVICES["gateway"].settings), None, lambda: 0.0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = {"TENFOUR_GATEWAY_PORT": str(listener.getsockname()[1])}
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        probed = await asyncio.to_thread(_probe, SERVICES["gateway"], port)
        server.should_exit = True
        await serving
    assert probed.returncode == 0, probed.stderr


def test_the_gateway_s_probe_fails_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert _probe(SERVICES["gateway"], {"TENFOUR_GATEWAY_PORT": str(port)}).returncode != 0


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"topics"}))
def test_metrics_are_served_to_the_other_containers(name: str) -> None:
    settings = load_settings(SERVICES[name].settings)
    assert settings.metrics_host == "0.0.0.0"
    others = [load_settings(other.settings) for other_name, other in OURS.items() if other_name != name]
    assert settings.metrics_port not in {0, settings.gateway_port, *(other.metrics_port for other in others)}


def _probe(service: Service, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Runs the service's probe as its container would."""
    assert service.healthcheck is not None
    python, *arguments = service.healthcheck.command
    assert python == "python"
    line = [sys.executable, *arguments]
    return subprocess.run(line, env=service.settings | dict(environment), capture_output=True, timeout=30)
