"""`docs/deployment.md` lists what the files say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from agents.registry import STAGES, stage_named
from streams.settings import Settings, SettingsError, load_settings
from tests.deploy.compose_file import COMPOSE_FILE, REPOSITORY, Service, read_compose_file, variables
from tests.deploy.manifests import OVERLAYS, workloads
from tests.deploy.processes import COMMANDS_OF, SERVE_HTTP
from tests.docs.blocks import blocks
from tests.source_files import imported

DOCUMENT = REPOSITORY / "docs" / "deployment.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
SERVICES = read_compose_file().services
OWN_PORTS = {"kafka": "9092", "postgres": "5432", "prometheus": "9090", "alertmanager": "9093", "grafana": "3000"}


def _rows(header: str) -> list[list[str]]:
    """The cells of the table with the header, backticks left out."""
    table = TEXT.split(f"| {header} |\n")[1].split("\n\n")[0]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in table.splitlines()[1:]]


def _port(name: str, service: Service) -> str:
    if name in OWN_PORTS:
        return OWN_PORTS[name]
    settings = load_settings(service.settings)
    own = [str(getattr(settings, SERVE_HTTP[name]))] if name in SERVE_HTTP else []
    return "; ".join([*own, f"{settings.metrics_port}, metrics"]) if name in COMMANDS_OF else "-"


def test_the_services_are_listed_with_what_they_run_and_their_ports() -> None:
    listed = {name: (runs, port) for name, runs, port, _ in _rows("service | runs | port | published")}
    assert list(listed) == list(SERVICES)
    assert {name: port for name, (_, port) in listed.items()} == {
        name: _port(name, SERVICES[name]) for name in SERVICES
    }
    commands = {name: runs.split(",")[0] for name, (runs, _) in listed.items() if runs.startswith("tenfour")}
    ours = {name: service for name, service in SERVICES.items() if service.image.startswith("tenfour:")}
    assert commands == {name: " ".join(("tenfour", *service.command)) for name, service in ours.items()}


def test_it_is_listed_what_is_published() -> None:
    listed = {name: published for name, _, _, published in _rows("service | runs | port | published")}
    found = {name: service.ports[0].split(":") for name, service in SERVICES.items() if service.ports}
    assert {name: said for name, said in listed.items() if said not in ("no", "-")} == {
        name: f"{port}, on {address}" for name, (address, port, _) in found.items()
    }


def test_every_variable_that_compose_takes_is_listed() -> None:
    listed = {variable for variable, *_ in _rows("variable | default here | meaning")}
    assert listed == variables(COMPOSE_FILE.read_text(encoding="utf-8"))


def test_another_policy_is_mounted_for_every_process_that_reads_it() -> None:
    (override,) = [yaml.safe_load(block) for block in blocks(DOCUMENT, "yaml") if block.startswith("services:")]
    reading = {name for name in STAGES if _reads_the_policy(name)}
    reading |= {name for name in COMMANDS_OF if (REPOSITORY / "tenfour" / f"{name}.py").exists() and _imports(name)}
    assert override["services"].keys() == reading | {"topics"}
    assert {tuple(one["volumes"]) for one in override["services"].values()} == {
        (f"./my-policy.yaml:{one['environment']['TENFOUR_POLICY']}:ro",) for one in override["services"].values()
    }


def test_the_overlays_are_listed() -> None:
    listed = {name: (kafka, replicas) for name, kafka, replicas in _rows("overlay | Kafka | replicas")}
    assert tuple(listed) == OVERLAYS
    large = {name: one.spec["replicas"] for name, one in workloads("Deployment", "large").items()}
    others = {count for name, count in large.items() if name not in ("classify", "gateway", "console") and count}
    assert others == {2}
    said = f"two of each; classify {large['classify']}, gateway and console {large['gateway']}"
    assert (listed["large"][1], large["console"]) == (said, large["gateway"])


@pytest.mark.parametrize("name", re.findall(r"compose run --rm --no-deps (?:--volume \S+ )?(\w+) ", TEXT))
def test_a_command_is_run_in_a_service_that_is_there(name: str) -> None:
    assert SERVICES[name].image.startswith("tenfour:")


@pytest.mark.parametrize("name", re.findall(r"exec (?:-i )?deployment/(\w+) ", TEXT))
def test_a_command_is_run_in_a_deployment_that_is_there(name: str) -> None:
    assert name in COMMANDS_OF


def test_every_file_that_is_named_is_there() -> None:
    made = {"deploy/kubernetes/overlays/ours", "deploy/alertmanager/receivers", "deploy/prometheus/rules"}
    named = set(re.findall(r"\bdeploy/[\w./-]*\w", TEXT)) - made
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []


def _reads_the_policy(stage: str) -> bool:
    try:
        stage_named(stage, Settings(policy=Path("/nowhere")))
    except SettingsError:
        return True
    return False


def _imports(command: str) -> bool:
    return any(name.startswith("tenfour.policy_file") for name in imported(Path("tenfour") / f"{command}.py"))
