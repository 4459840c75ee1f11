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
from fastapi import FastAPI
from psycopg.pq import Conninfo
from sqlalchemy.engine import make_url

from bench.free_ports import free_port
from gateway.intake import new_gateway
from streams.faust_internals import FINISH_STARTED_S
from streams.health import Health
from streams.probes import observed
from streams.settings import Settings, load_settings
from tenfour.main import COMMANDS
from tests.console.desk_api import DeskApi
from tests.deploy.compose_file import COMPOSE_FILE, REPOSITORY, Service, read_compose_file, seconds, variables
from tests.deploy.processes import COMMANDS_OF, NEED_SETTINGS, PREPARING, SERVE_HTTP, USE_THE_READ_MODEL

COMPOSE = read_compose_file()
SERVICES = COMPOSE.services
OURS = {name: service for name, service in SERVICES.items() if service.image.startswith("tenfour:")}
PROCESSES = {name: service for name, service in OURS.items() if name not in PREPARING}
LONG_RUNNING = {name: service for name, service in SERVICES.items() if name not in PREPARING}
PINNED = re.compile(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?")
PASSWORDS = {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}
KNOWN_TO_THE_DATABASE_S_DRIVER = {option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}

every_service = pytest.mark.parametrize("name", SERVICES)
every_service_of_ours = pytest.mark.parametrize("name", OURS)
every_process = pytest.mark.parametrize("name", PROCESSES)
every_long_running_service = pytest.mark.parametrize("name", LONG_RUNNING)


# What it runs


def test_every_process_has_a_service_of_its_name() -> None:
    assert {name: service.command for name, service in OURS.items()} == COMMANDS_OF | PREPARING


def test_every_command_that_runs_until_it_is_stopped_is_a_process() -> None:
    on_one_machine = {"demo", "up"}
    running = {name for name, help_ in COMMANDS.items() if "until Ctrl-C" in help_} - on_one_machine
    assert running == {command[0] for command in COMMANDS_OF.values()}


def test_only_what_needs_settings_waits_to_be_asked_for() -> None:
    asked_for = {name: service.profiles for name, service in SERVICES.items() if service.profiles}
    assert asked_for == {name: (name,) for name in NEED_SETTINGS}


@every_service_of_ours
def test_every_setting_is_known_and_possible(name: str) -> None:
    settings = load_settings(SERVICES[name].settings)
    assert settings.bootstrap
    others = {variable for variable in SERVICES[name].environment if not variable.startswith("TENFOUR_")}
    assert others <= KNOWN_TO_THE_DATABASE_S_DRIVER


def test_only_known_settings_are_taken_from_outside() -> None:
    known = {f"TENFOUR_{name.upper()}" for name in Settings.model_fields}
    assert variables(COMPOSE_FILE.read_text(encoding="utf-8")) <= known | PASSWORDS


def test_services_agree_on_what_they_share() -> None:
    shared = {"TENFOUR_BOOTSTRAP", "TENFOUR_PARTITIONS", "TENFOUR_REPLICATION", "TENFOUR_TICKS"}
    given = {tuple(service.environment[name] for name in sorted(shared)) for service in OURS.values()}
    assert len(given) == 1


@pytest.mark.parametrize("name", sorted(USE_THE_READ_MODEL))
def test_the_read_model_is_where_the_database_server_has_it(name: str) -> None:
    server, settings = SERVICES["postgres"].environment, SERVICES[name].environment
    url = make_url(settings["TENFOUR_DATABASE"])
    assert (url.host, url.username, url.database) == ("postgres", server["POSTGRES_USER"], server["POSTGRES_DB"])
    assert url.password is None
    assert settings["PGPASSWORD"] == server["POSTGRES_PASSWORD"]


def test_who_tells_people_reads_the_file_that_is_mounted_for_it() -> None:
    assert SERVICES["notify"].secrets == tuple(COMPOSE.secrets)
    assert SERVICES["notify"].environment["TENFOUR_NOTIFY_CHANNELS"] == f"/run/secrets/{SERVICES['notify'].secrets[0]}"
    assert not [name for name, service in SERVICES.items() if service.secrets and name != "notify"]


@every_service
def test_every_image_is_pinned(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name].image), SERVICES[name].image


def test_our_image_has_the_product_s_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {service.image for service in OURS.values()} == {f"tenfour:{project['version']}"}


# In which order, and for how long


def test_nothing_runs_before_its_topics_are_as_declared() -> None:
    assert SERVICES["topics"].depends_on["kafka"].condition == "service_healthy"
    assert {_condition(service, "topics") for service in PROCESSES.values()} == {"service_completed_successfully"}


def test_nothing_reads_or_writes_the_read_model_before_its_tables_are_those_of_the_release() -> None:
    assert SERVICES["database"].depends_on["postgres"].condition == "service_healthy"
    waiting = {name for name, service in OURS.items() if _condition(service, "database")}
    assert waiting == USE_THE_READ_MODEL - {"database"}
    assert {_condition(SERVICES[name], "database") for name in waiting} == {"service_completed_successfully"}


@every_service
def test_a_service_depends_on_services_that_can_meet_the_condition(name: str) -> None:
    for target, dependency in SERVICES[name].depends_on.items():
        met_by = {"service_healthy": set(LONG_RUNNING), "service_completed_successfully": set(PREPARING)}
        assert target in met_by[dependency.condition]


@every_long_running_service
def test_a_service_that_ends_is_restarted(name: str) -> None:
    assert SERVICES[name].restart == "unless-stopped"


@pytest.mark.parametrize("name", PREPARING)
def test_what_prepares_is_done_once(name: str) -> None:
    assert SERVICES[name].restart == "no"


@every_long_running_service
def test_a_service_has_time_to_stop(name: str) -> None:
    assert seconds(SERVICES[name].stop_grace_period) >= 15


@every_process
def test_a_process_has_time_to_finish_what_it_has_started(name: str) -> None:
    assert seconds(SERVICES[name].stop_grace_period) > FINISH_STARTED_S


@pytest.mark.parametrize("name", sorted(PROCESSES.keys() - SERVE_HTTP))
def test_a_process_that_nobody_calls_can_be_scaled(name: str) -> None:
    assert not SERVICES[name].ports
    assert SERVICES[name].container_name is None


# Health


@every_long_running_service
def test_a_service_has_a_probe(name: str) -> None:
    probe = SERVICES[name].healthcheck
    assert probe is not None
    assert probe.test[0] == "CMD"


@pytest.mark.parametrize("name", sorted(PROCESSES.keys() - SERVE_HTTP))
async def test_the_probe_of_a_process_passes_exactly_while_it_shows_itself(name: str) -> None:
    port = {"TENFOUR_METRICS_PORT": str(free_port())}
    async with observed(load_settings(port), Health()):
        assert (await asyncio.to_thread(_probe, SERVICES[name], port)).returncode == 0
    assert (await asyncio.to_thread(_probe, SERVICES[name], port)).returncode != 0


async def test_the_probe_of_a_process_fails_while_its_event_loop_stands_still() -> None:
    port = {"TENFOUR_METRICS_PORT": str(free_port())}
    async with observed(load_settings(port), Health()):
        probed = _probe(SERVICES["deadlines"], port)  # meanwhile the loop does nothing else
    assert probed.returncode != 0


async def test_the_gateway_s_probe_passes_while_it_serves() -> None:
    app = new_gateway(AIOKafkaProducer(), load_settings(SERVICES["gateway"].settings), None, lambda: 0.0)
    probed = await _probe_while_it_serves(app, "gateway")
    assert probed.returncode == 0, probed.stderr


async def test_the_probe_of_the_desk_s_api_passes_while_it_serves(small_desk: DeskApi) -> None:
    probed = await _probe_while_it_serves(small_desk.app, "console")
    assert probed.returncode == 0, probed.stderr


@pytest.mark.parametrize("name", SERVE_HTTP)
def test_a_probe_by_http_fails_where_nothing_listens(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert _probe(SERVICES[name], _port_of(name, port)).returncode != 0


@every_process
def test_metrics_are_served_to_the_other_containers(name: str) -> None:
    settings = load_settings(SERVICES[name].settings)
    assert settings.metrics_host == "0.0.0.0"
    others = [load_settings(other.settings) for other_name, other in OURS.items() if other_name != name]
    taken = {settings.gateway_port, settings.console_port, *(other.metrics_port for other in others)}
    assert settings.metrics_port not in taken | {0}


async def _probe_while_it_serves(app: FastAPI, name: str) -> subprocess.CompletedProcess[bytes]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = _port_of(name, listener.getsockname()[1])
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        probed = await asyncio.to_thread(_probe, SERVICES[name], port)
        server.should_exit = True
        await serving
    return probed


def _port_of(name: str, port: int) -> dict[str, str]:
    return {f"TENFOUR_{SERVE_HTTP[name].upper()}": str(port)}


def _condition(service: Service, name: str) -> str | None:
    """What the service waits for in another, None where it does not wait for it."""
    dependency = service.depends_on.get(name)
    return dependency.condition if dependency else None


def _probe(service: Service, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Runs the service's probe as its container would."""
    assert service.healthcheck is not None
    python, *arguments = service.healthcheck.command
    assert python == "python"
    line = [sys.executable, *arguments]
    return subprocess.run(line, env=service.settings | dict(environment), capture_output=True, timeout=30)
