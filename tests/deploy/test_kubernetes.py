"""`deploy/kubernetes` against the product that it runs and against `docker-compose.yml`, without a cluster."""

from __future__ import annotations

import tomllib

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy.engine import make_url

from gateway.intake import new_gateway
from streams.faust_internals import FINISH_STARTED_S
from streams.settings import Settings, load_settings
from tests.console.desk_api import DeskApi
from tests.deploy.compose_file import REPOSITORY, read_compose_file, seconds
from tests.deploy.manifests import COMPONENT, OVERLAYS, Workload, environment, of_kind, workloads
from tests.deploy.processes import COMMANDS_OF, NEED_SETTINGS, PREPARING, SERVE_HTTP

COMPOSE = read_compose_file().services
DEPLOYMENTS = workloads("Deployment")
JOBS = workloads("Job")
every_process = pytest.mark.parametrize("name", COMMANDS_OF)
every_workload = pytest.mark.parametrize("workload", [*DEPLOYMENTS.values(), *JOBS.values()], ids=lambda one: one.name)
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


# What it runs


def test_every_process_has_a_deployment_and_what_prepares_a_job() -> None:
    assert {name: one.pod.container.args for name, one in DEPLOYMENTS.items()} == COMMANDS_OF
    assert {name: one.pod.container.args for name, one in JOBS.items()} == PREPARING


@every_workload
def test_the_image_has_the_product_s_version(workload: Workload) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert workload.pod.container.image == f"tenfour:{project['version']}"


@every_overlay
def test_every_setting_is_known_and_possible(overlay: str) -> None:
    for workload in (workloads("Deployment", overlay) | workloads("Job", overlay)).values():
        settings = load_settings(environment(workload, overlay))
        assert settings.bootstrap
        assert make_url(settings.database).drivername == "postgresql+psycopg"
        assert make_url(settings.database).password is None


def test_a_small_load_has_one_of_each_that_needs_no_settings() -> None:
    replicas = {name: one.spec["replicas"] for name, one in DEPLOYMENTS.items()}
    assert replicas == {name: int(name not in NEED_SETTINGS) for name in COMMANDS_OF}


def test_a_large_load_has_at_least_two_of_each_and_no_more_than_partitions() -> None:
    for name, one in workloads("Deployment", "large").items():
        partitions = load_settings(environment(one, "large")).partitions
        assert name in NEED_SETTINGS or 2 <= one.spec["replicas"] <= partitions


@pytest.mark.parametrize("name", [*COMMANDS_OF, *PREPARING])
def test_it_may_use_as_much_as_in_compose(name: str) -> None:
    workload, deploy = (DEPLOYMENTS | JOBS)[name], COMPOSE[name].deploy
    assert deploy is not None
    limits = workload.pod.container.resources["limits"]
    assert (limits["cpu"], limits["memory"]) == (deploy.resources.limits.cpus, deploy.resources.limits.memory + "i")
    assert workload.pod.container.resources["requests"].keys() == {"cpu", "memory"}


# Ports and probes


@every_process
def test_its_ports_are_those_of_its_settings(name: str) -> None:
    settings = load_settings(environment(DEPLOYMENTS[name], "small"))
    wanted = {"metrics": settings.metrics_port}
    if name in SERVE_HTTP:
        wanted["http"] = getattr(settings, SERVE_HTTP[name])
    assert DEPLOYMENTS[name].pod.container.port == wanted
    assert settings.metrics_host == settings.gateway_host == settings.console_host == "0.0.0.0"


@every_process
def test_it_is_asked_whether_it_lives_and_whether_it_is_ready(name: str) -> None:
    container = DEPLOYMENTS[name].pod.container
    port = "http" if name in SERVE_HTTP else "metrics"
    assert container.startup and container.liveness and container.readiness
    assert container.startup.http == container.liveness.http == {"path": "/healthz", "port": port}
    assert container.readiness.http == {"path": "/readyz", "port": port}
    assert container.startup.period_s * container.startup.failures >= 300


async def test_what_others_call_has_the_pages_that_are_asked_for(small_desk: DeskApi) -> None:
    gateway = new_gateway(AIOKafkaProducer(), Settings(), None, lambda: 0.0)
    for app in (gateway, small_desk.app):
        assert app.openapi()["paths"].keys() >= {"/healthz", "/readyz"}


@pytest.mark.parametrize("name", SERVE_HTTP)
def test_what_others_call_has_a_service(name: str) -> None:
    spec, labels = of_kind("Service")[name]["spec"], DEPLOYMENTS[name].labels
    assert spec["selector"].items() <= labels.items()
    (port,) = spec["ports"]
    assert (port["port"], port["targetPort"]) == (DEPLOYMENTS[name].pod.container.port["http"], "http")
    assert of_kind("Service").keys() == SERVE_HTTP.keys()


# As it moves


@every_process
def test_a_deployment_selects_its_own_pods_alone(name: str) -> None:
    selected = DEPLOYMENTS[name].spec["selector"]["matchLabels"]
    pods = {**DEPLOYMENTS, **JOBS}
    assert [other for other, one in pods.items() if selected.items() <= one.labels.items()] == [name]


@every_process
def test_it_has_time_to_finish_what_it_has_started(name: str) -> None:
    grace_s = DEPLOYMENTS[name].pod.grace_s
    assert grace_s > FINISH_STARTED_S
    assert grace_s == seconds(COMPOSE[name].stop_grace_period)


@every_process
def test_a_new_pod_is_ready_before_an_old_one_leaves_and_its_group_has_settled_before_the_next(name: str) -> None:
    spec = DEPLOYMENTS[name].spec
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert spec["minReadySeconds"] > 2 * load_settings(environment(DEPLOYMENTS[name], "small")).session_timeout_s


@every_process
def test_one_pod_at_a_time_may_be_moved(name: str) -> None:
    budget = of_kind("PodDisruptionBudget")[name]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == DEPLOYMENTS[name].spec["selector"]


@every_process
def test_its_pods_are_spread_over_zones_and_nodes(name: str) -> None:
    spread = DEPLOYMENTS[name].pod.spread
    assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for one in spread:
        assert one["labelSelector"]["matchLabels"].items() <= DEPLOYMENTS[name].labels.items()
        assert COMPONENT in one["matchLabelKeys"]


@pytest.mark.parametrize("name", PREPARING)
def test_what_prepares_is_tried_again_and_then_gone(name: str) -> None:
    assert JOBS[name].pod.restart == "Never"
    assert JOBS[name].spec["backoffLimit"] > 0
    assert JOBS[name].spec["ttlSecondsAfterFinished"] > 0
