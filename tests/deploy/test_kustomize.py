"""The folders of `deploy/kubernetes`, built by kustomize itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.compose_file import REPOSITORY
from tests.deploy.kustomization import KUBERNETES, Manifest, build, read_kustomization

FOLDERS = sorted(path.parent for path in KUBERNETES.rglob("kustomization.yaml"))
OVERLAYS = [folder for folder in FOLDERS if read_kustomization(folder).kind == "Kustomization"]
DIGEST = re.compile(r"\b(tenfour-(?:settings|policy))-[a-z0-9]{10}\b")
OWN_POLICY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../small]
components: [../../components/policy]
configMapGenerator:
  - {name: tenfour-policy, namespace: tenfour, files: [policy.yaml]}
"""
"""As docs/deployment.md shows it."""


@pytest.fixture
def own_policy(tmp_path: Path) -> Path:
    """An overlay with a policy of its own, as whoever runs the product would write it."""
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes" / "overlays" / "ours"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(OWN_POLICY, encoding="utf-8")
    shutil.copy(REPOSITORY / "policy.yaml", overlay)
    return overlay


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_kustomize_builds_what_the_other_tests_look_at(folder: Path) -> None:
    assert _ordered(_kustomize(folder)) == _ordered(build(folder))


def test_kustomize_mounts_a_policy_of_one_s_own(own_policy: Path) -> None:
    assert _ordered(_kustomize(own_policy)) == _ordered(build(own_policy))


def test_a_policy_of_one_s_own_is_read_by_every_process(own_policy: Path) -> None:
    manifests = build(own_policy)
    (policy,) = [one["data"] for one in manifests if one["metadata"]["name"] == "tenfour-policy"]
    pods = [one["spec"]["template"]["spec"] for one in manifests if one["kind"] == "Deployment"]
    (text,) = policy.values()
    assert text == (REPOSITORY / "policy.yaml").read_text(encoding="utf-8")
    for pod in pods:
        (container,) = pod["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        path = next(variable["value"] for variable in container["env"] if variable["name"] == "TENFOUR_POLICY")
        assert path == f"{mounts['policy']}/{next(iter(policy))}"
        assert {"name": "policy", "configMap": {"name": "tenfour-policy"}} in pod["volumes"]


def test_the_documents_show_that_overlay() -> None:
    assert OWN_POLICY in (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_file_is_left_out(folder: Path) -> None:
    said = read_kustomization(folder)
    named = {*said.resources, *(patch.path for patch in said.patches)}
    named |= {name for settings in said.settings for name in (*settings.envs, *settings.files)}
    inside = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert inside == {name for name in named if not name.startswith("..")} | {"kustomization.yaml"}


def _kustomize(folder: Path) -> list[Manifest]:
    line = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
    if not shutil.which(line[0]):
        pytest.skip("neither kustomize nor kubectl on the PATH")
    finished = subprocess.run([*line, str(folder)], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    return list(yaml.safe_load_all(DIGEST.sub(r"\1", finished.stdout)))


def _ordered(value: Any) -> Any:
    """The same whatever the order of lists: kustomize puts what a patch adds first."""
    if isinstance(value, dict):
        return {name: _ordered(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted((_ordered(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value
