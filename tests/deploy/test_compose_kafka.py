"""The Kafka of `docker-compose.yml`: its settings, asked of Kafka's own classes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from streams.broker_jars import KAFKA as COORDINATE
from streams.broker_jars import default_cache, fetch_jars
from streams.broker_run import KafkaRuntime
from streams.settings import load_settings
from tests.deploy.compose_file import CLUSTER_FILE, REPOSITORY, read_compose_file

COMPOSE = read_compose_file()
KAFKA = COMPOSE.services["kafka"]


def test_kafka_has_the_version_that_the_tests_run_on() -> None:
    assert KAFKA.image.partition("@")[0] == f"apache/kafka:{COORDINATE.rpartition(':')[2]}"


def test_kafka_keeps_its_data_in_a_volume() -> None:
    folder = KAFKA.environment["KAFKA_LOG_DIRS"]
    (volume,) = [volume.partition(":")[0] for volume in KAFKA.volumes if volume.endswith(f":{folder}")]
    assert volume in COMPOSE.volumes


def test_the_stages_use_the_address_that_kafka_gives_out() -> None:
    address = load_settings(COMPOSE.services["topics"].settings).bootstrap
    assert KAFKA.environment["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{address}"
    assert address.partition(":")[0] == "kafka"


def test_kafka_s_probe_asks_at_the_port_that_clients_use() -> None:
    probe = KAFKA.healthcheck
    assert probe is not None
    assert probe.test[-1].endswith(f"/127.0.0.1/{KAFKA.environment['KAFKA_ADVERTISED_LISTENERS'].rpartition(':')[2]}")


def test_kafka_takes_its_settings(tmp_path: Path) -> None:
    """By the class that its image starts: it turns the environment into settings, and formats the data folder."""
    final = tmp_path / "config"
    final.mkdir()
    shipped = REPOSITORY / "deploy" / "kafka"
    folders = {"default": tmp_path, "mounted": shipped, "final": final}
    arguments = [word for name, folder in folders.items() for word in (f"--{name}-configs-dir", str(folder))]
    environment = KAFKA.environment | {"KAFKA_LOG_DIRS": str(tmp_path / "data")}
    finished = _java(environment, "kafka.docker.KafkaDockerWrapper", "setup", *arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "data" / "meta.properties").exists()
    log = yaml.safe_load((final / "log4j2.yaml").read_text(encoding="utf-8"))["Configuration"]
    assert log["Appenders"].keys() == {"Console"}
    assert log["Loggers"]["Root"]["AppenderRef"] == [{"ref": log["Appenders"]["Console"]["name"]}]


def test_kafka_knows_its_settings() -> None:
    not_settings = {"KAFKA_HEAP_OPTS", "KAFKA_GC_LOG_OPTS"}
    names = [name for name in KAFKA.environment if name.startswith("KAFKA_") and name not in not_settings]
    known = set(re.findall(r'id="([a-z0-9.]+)"', _java({}, "kafka.server.KafkaConfig").stdout))
    assert {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in names} <= known


def test_for_another_cluster_only_kafka_is_left_out() -> None:
    over = yaml.safe_load(CLUSTER_FILE.read_text(encoding="utf-8"))
    assert {name for name, service in over["services"].items() if "profiles" in service} == {"kafka"}
    needing_kafka = {name for name, service in COMPOSE.services.items() if "kafka" in service.depends_on}
    assert over["services"].keys() - {"kafka"} == needing_kafka
    assert not any(over["services"][name]["depends_on"]["kafka"]["required"] for name in needing_kafka)


def test_another_cluster_can_be_reached_and_nothing_else_is_opened() -> None:
    over = yaml.safe_load(CLUSTER_FILE.read_text(encoding="utf-8"))
    (network,) = KAFKA.networks
    assert over["networks"] == {network: {"internal": False}}


def _java(environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    cache = default_cache()
    runtime = KafkaRuntime(fetch_jars(cache), cache)
    line = [str(runtime.java), "-Xmx256m", "-cp", runtime.class_path, *command]
    return subprocess.run(line, env=dict(environment), capture_output=True, text=True, timeout=120)
