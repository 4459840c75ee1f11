"""What a pod of `deploy/kubernetes` may do, and what it is given."""

from __future__ import annotations

import re

import pytest

from tests.deploy.compose_file import REPOSITORY
from tests.deploy.dockerfile import read_dockerfile
from tests.deploy.manifests import Workload, of_kind, overlay, workloads
from tests.deploy.processes import USE_THE_READ_MODEL

WORKLOADS = workloads("Deployment") | workloads("Job")
SECRETS = {
    **{name: {"tenfour-database"} for name in USE_THE_READ_MODEL},
    "gateway": {"tenfour-gateway"},
    "publish": {"tenfour-publish"},
    "notify": {"tenfour-notify"},
}
"""Who is given which; all others are given none."""
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|(^|_)KEY")

every_workload = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))


@every_workload
def test_a_container_is_confined(workload: Workload) -> None:
    assert workload.pod.container.security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not workload.pod.init_containers


@every_workload
def test_a_pod_runs_as_the_image_s_user_and_never_as_root(workload: Workload) -> None:
    user, group = read_dockerfile(REPOSITORY / "deploy" / "Dockerfile")[-1].last("USER").text.split(":")
    assert workload.pod.security == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "fsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@every_workload
def test_a_pod_has_namespaces_of_its_own(workload: Workload) -> None:
    pod = workload.pod
    assert not (pod.host_network or pod.host_pid or pod.host_ipc)


@every_workload
def test_a_pod_mounts_nothing_of_its_node(workload: Workload) -> None:
    assert {next(kind for kind in volume if kind != "name") for volume in workload.pod.volumes} <= {
        "emptyDir",
        "secret",
        "configMap",
    }


@every_workload
def test_what_may_be_written_is_small_and_in_memory(workload: Workload) -> None:
    folders = {volume["name"]: volume["emptyDir"] for volume in workload.pod.volumes if "emptyDir" in volume}
    assert folders == {"tmp": {"medium": "Memory", "sizeLimit": "16Mi"}}
    mounts = {mount["name"]: mount for mount in workload.pod.container.mounts}
    assert mounts["tmp"]["mountPath"] == "/tmp"
    assert all(mount.get("readOnly") for name, mount in mounts.items() if name != "tmp")
    assert mounts.keys() == {volume["name"] for volume in workload.pod.volumes}


@every_workload
def test_a_pod_has_no_token_of_the_cluster(workload: Workload) -> None:
    assert workload.pod.token is False
    assert of_kind("ServiceAccount")[workload.pod.account]["automountServiceAccountToken"] is False


@every_workload
def test_the_names_of_services_are_no_settings(workload: Workload) -> None:
    """They would be variables such as TENFOUR_GATEWAY_PORT."""
    assert workload.pod.service_links is False


def test_the_namespace_admits_no_pod_that_is_less_confined() -> None:
    assert of_kind("Namespace")["tenfour"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {one["metadata"].get("namespace") for one in overlay("small")} == {None, "tenfour"}
    assert [one["kind"] for one in overlay("small") if "namespace" not in one["metadata"]] == ["Namespace"]


@every_workload
def test_a_process_is_given_the_secrets_that_it_needs_and_no_others(workload: Workload) -> None:
    variables = [one.source["secretKeyRef"]["name"] for one in workload.pod.container.env if one.source]
    files = [volume["secret"]["secretName"] for volume in workload.pod.volumes if "secret" in volume]
    assert {*variables, *files} == SECRETS.get(workload.name, set())


@every_workload
def test_no_secret_is_written_down(workload: Workload) -> None:
    assert not [one.name for one in workload.pod.container.env if SECRET.search(one.name) and one.value is not None]


def test_neither_a_manifest_nor_the_settings_hold_a_secret() -> None:
    assert not [one for name in ("small", "large") for one in overlay(name) if one["kind"] == "Secret"]
    settings = [name for one in of_kind("ConfigMap").values() for name in one["data"]]
    assert not [name for name in settings if SECRET.search(name)]


@pytest.mark.parametrize("secret", sorted(set.union(*SECRETS.values())))
def test_the_documents_say_how_a_secret_is_made(secret: str) -> None:
    text = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert f"create secret generic {secret} " in text
