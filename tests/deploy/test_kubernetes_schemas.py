"""Every manifest against the schemas that Kubernetes publishes, which the package kubernetes-validate carries."""

from __future__ import annotations

import copy

import pytest

from tests.deploy.kustomization import Manifest
from tests.deploy.manifests import OVERLAYS, overlay

kubernetes_validate = pytest.importorskip("kubernetes_validate")

OLDEST = "1.31"
"""The oldest release that docs/deployment.md names."""
RELEASES = (OLDEST, kubernetes_validate.latest_version())
MANIFESTS = [(name, manifest) for name in OVERLAYS for manifest in overlay(name)]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("name", "manifest"), MANIFESTS, ids=[f"{name}-{one['kind']}-{one['metadata']['name']}" for name, one in MANIFESTS]
)
def test_a_manifest_follows_the_schema_of_its_kind(name: str, manifest: Manifest, release: str) -> None:
    kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
def test_a_misspelt_key_does_not_follow_it(release: str) -> None:
    deployment = next(one for one in overlay("small") if one["kind"] == "Deployment")
    broken = copy.deepcopy(deployment)
    (container,) = broken["spec"]["template"]["spec"]["containers"]
    container["readinesProbe"] = container.pop("readinessProbe")
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(broken, release, strict=True)
