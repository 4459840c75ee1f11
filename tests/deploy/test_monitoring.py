"""Prometheus, Alertmanager and Grafana as `docker-compose.yml` runs them: what they ask is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import load_settings
from tests.deploy.compose_file import REPOSITORY, read_compose_file
from tests.deploy.kustomization import KUBERNETES
from tests.deploy.manifests import COMPONENT, workloads
from tests.deploy.processes import COMMANDS_OF, SERVE_HTTP

SERVICES = read_compose_file().services
DEPLOY = REPOSITORY / "deploy"
CONFIG = DEPLOY / "prometheus" / "prometheus.yml"
PROMETHEUS: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
(JOB,) = PROMETHEUS["scrape_configs"]
ALWAYS_ONE = {one["labels"]["process"]: one["targets"] for one in JOB["static_configs"]}
AS_MANY_AS_THERE_ARE = {name: one["port"] for one in JOB["dns_sd_configs"] for name in one["names"]}


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# Prometheus


def test_every_process_is_asked_once_at_the_port_of_its_metrics() -> None:
    asked = {name: {f"{name}:{port}"} for name, port in AS_MANY_AS_THERE_ARE.items()}
    asked |= {name: set(targets) for name, targets in ALWAYS_ONE.items()}
    ports = {name: load_settings(SERVICES[name].settings).metrics_port for name in COMMANDS_OF}
    assert asked == {name: {f"{name}:{port}"} for name, port in ports.items()}
    assert not ALWAYS_ONE.keys() & AS_MANY_AS_THERE_ARE.keys()


def test_every_container_of_a_scaled_process_is_asked() -> None:
    """A published port allows one container; of the others there may be any number."""
    assert ALWAYS_ONE.keys() == SERVE_HTTP.keys()
    assert {one["type"] for one in JOB["dns_sd_configs"]} == {"A"}


def test_a_process_found_by_its_name_is_labelled_by_it_and_a_given_label_stays() -> None:
    (rule,) = JOB["relabel_configs"]
    assert rule == {"source_labels": ["__meta_dns_name"], "regex": "(.+)", "target_label": "process"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on the PATH")
def test_prometheus_takes_its_settings() -> None:
    checked = subprocess.run(["promtool", "check", "config", CONFIG], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_reads_what_is_mounted_and_keeps_only_so_much() -> None:
    options = _options("prometheus")
    mounts = _mounts("prometheus")
    assert mounts[str(Path(options["config.file"]).parent)] == "./deploy/prometheus"
    assert options["storage.tsdb.path"] in mounts
    assert options["storage.tsdb.retention.time"] == "30d"
    assert options["storage.tsdb.retention.size"] == "4GB"
    assert PROMETHEUS["rule_files"] == ["rules/*.yml"]


@pytest.mark.parametrize(
    ("name", "program"), [("prometheus", "prometheus"), ("alertmanager", "prometheus-alertmanager")]
)
def test_it_knows_its_options(name: str, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on the PATH")
    told = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60)
    known = set(re.findall(r"--(?:\[no-\])?([a-z.-]+)", told.stdout + told.stderr))
    assert set(_options(name)) <= known


# Alertmanager


def test_alerts_go_where_alertmanager_listens() -> None:
    (alertmanager,) = PROMETHEUS["alerting"]["alertmanagers"]
    port = _options("alertmanager")["web.listen-address"].rpartition(":")[2]
    assert alertmanager["static_configs"] == [{"targets": [f"alertmanager:{port}"]}]


def test_alertmanager_reads_what_is_mounted() -> None:
    options = _options("alertmanager")
    config = Path(options["config.file"])
    folder = _mounts("alertmanager")[str(config.parent)]
    assert (REPOSITORY / folder / config.name).is_file()
    assert options["storage.path"] in _mounts("alertmanager")


# Grafana


def test_grafana_asks_prometheus() -> None:
    (source,) = _yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    port = _options("prometheus")["web.listen-address"].rpartition(":")[2]
    assert (source["type"], source["url"], source["uid"]) == ("prometheus", f"http://prometheus:{port}", "prometheus")
    assert source["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]
    assert set(SERVICES["grafana"].networks) & set(SERVICES["prometheus"].networks)


def test_grafana_shows_the_dashboards_of_the_repository() -> None:
    (provider,) = _yaml(DEPLOY / "grafana" / "provisioning" / "dashboards" / "tenfour.yaml")["providers"]
    assert _mounts("grafana")[provider["options"]["path"]] == "./deploy/grafana/dashboards"
    assert _mounts("grafana")["/etc/grafana/provisioning"] == "./deploy/grafana/provisioning"


@pytest.mark.parametrize(("name", "path"), [("prometheus", "/-/ready"), ("alertmanager", "/-/ready")])
def test_a_probe_asks_where_it_listens(name: str, path: str) -> None:
    probe = SERVICES[name].healthcheck
    assert probe is not None
    port = _options(name)["web.listen-address"].rpartition(":")[2]
    assert probe.command[-1] == f"http://127.0.0.1:{port}{path}"
    assert SERVICES[name].ports == (f"127.0.0.1:{port}:{port}",)


# In Kubernetes


def test_a_prometheus_in_the_cluster_finds_every_process_and_names_it_alike() -> None:
    (job,) = _yaml(KUBERNETES / "prometheus.yml")["scrape_configs"]
    port, process, _ = job["relabel_configs"]
    deployments = workloads("Deployment").values()
    assert all(port["regex"] in one.pod.container.port for one in deployments)
    assert process["target_label"] == "process"
    (label,) = process["source_labels"]
    assert label == "__meta_kubernetes_pod_label_" + COMPONENT.translate(str.maketrans("./", "__"))
    assert {one.labels[COMPONENT] for one in deployments} == COMMANDS_OF.keys()
    assert (job["job_name"], job["sample_limit"]) == (JOB["job_name"], JOB["sample_limit"])


def _options(name: str) -> dict[str, str]:
    """The `--name=value` words of the service's command."""
    pairs = (word.removeprefix("--").partition("=") for word in SERVICES[name].command)
    return {option: value for option, _, value in pairs}


def _mounts(name: str) -> dict[str, str]:
    """Where in the container, and what of the repository or which volume."""
    return {target: source for source, target, *_ in (volume.split(":") for volume in SERVICES[name].volumes)}
