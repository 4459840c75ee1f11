"""The folders of `deploy/kubernetes` as kustomize builds them, without kustomize.

Only as much of it as they use, and whatever else they would say is refused. `test_kustomize.py` compares with kustomize
itself, where that is to be had.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.deploy.compose_file import REPOSITORY

KUBERNETES: Final = REPOSITORY / "deploy" / "kubernetes"
Manifest = dict[str, Any]

_KEYS: Final = {"containers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath"}
_KEYS_IN_A_POD: Final = _KEYS | {"ports": "containerPort"}
"""What tells the items of a list apart, by the list's name; other lists are replaced whole."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Part):
    kind: str
    name: str = ".*"

    def fits(self, manifest: Manifest) -> bool:
        return manifest["kind"] == self.kind and bool(re.fullmatch(self.name, manifest["metadata"]["name"]))


class Patch(_Part):
    path: str
    target: Target


class Labels(_Part):
    pairs: dict[str, str]
    templates: Literal[True] = Field(alias="includeTemplates")


class Settings(_Part):
    """A ConfigMap made of files; `merge` adds to that of what lies below."""

    name: str
    namespace: str | None = None
    behavior: Literal["create", "merge"] = "create"
    envs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Image(_Part):
    name: str
    tag: str = Field(alias="newTag")


class Replicas(_Part):
    name: str
    count: int


class Kustomization(_Part):
    api: str = Field(alias="apiVersion")
    kind: Literal["Kustomization", "Component"]
    namespace: str | None = None
    resources: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()
    labels: tuple[Labels, ...] = ()
    settings: tuple[Settings, ...] = Field((), alias="configMapGenerator")
    images: tuple[Image, ...] = ()
    replicas: tuple[Replicas, ...] = ()


def read_kustomization(folder: Path) -> Kustomization:
    return Kustomization.model_validate(yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8")))


def build(folder: Path) -> list[Manifest]:
    """The manifests of the folder. A made ConfigMap keeps its name: kustomize adds a digest to it."""
    return _built(folder, [])


def _built(folder: Path, below: list[Manifest]) -> list[Manifest]:
    said = read_kustomization(folder)
    manifests = below + [manifest for name in said.resources for manifest in _resource(folder / name)]
    for settings in said.settings:
        _add_settings(manifests, folder, settings)
    for name in said.components:
        manifests = _built(folder / name, manifests)
    for patch in said.patches:
        change = yaml.safe_load((folder / patch.path).read_text(encoding="utf-8"))
        manifests = [_patched(manifest, change) if patch.target.fits(manifest) else manifest for manifest in manifests]
    for manifest in manifests:
        _finish(manifest, said)
    return manifests


def _resource(path: Path) -> list[Manifest]:
    if path.is_dir():
        return build(path)
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _add_settings(manifests: list[Manifest], folder: Path, settings: Settings) -> None:
    data = {name: (folder / name).read_text(encoding="utf-8") for name in settings.files}
    for name in settings.envs:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        data |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    if settings.behavior == "merge":
        (found,) = [one for one in manifests if _kind_and_name(one) == ("ConfigMap", settings.name)]
        found["data"] |= data
        return
    namespace = {"namespace": settings.namespace} if settings.namespace else {}
    metadata = {"name": settings.name} | namespace
    manifests.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _patched(manifest: Manifest, change: Manifest) -> Manifest:
    """The strategic merge; the name is that of the manifest, since the target says which are meant."""
    merged: Manifest = _merged(manifest, change | {"metadata": {}}, _KEYS)
    return merged


def _merged(old: Any, new: Any, keys: dict[str, str]) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return copy.deepcopy(new)
    merged = dict(old)
    for name, value in new.items():
        if name in keys and name in old:
            merged[name] = _merged_items(old[name], value, keys[name])
        else:
            merged[name] = _merged(old.get(name), value, _KEYS_IN_A_POD if name == "spec" else keys)
    return merged


def _merged_items(old: list[Manifest], new: list[Manifest], key: str) -> list[Manifest]:
    items = {item[key]: item for item in new}
    kept = {item[key] for item in old}
    added = [item for item in new if item[key] not in kept]
    return [_merged(item, items.get(item[key], {}), _KEYS_IN_A_POD) for item in old] + copy.deepcopy(added)


def _finish(manifest: Manifest, said: Kustomization) -> None:
    metadata, template = manifest["metadata"], manifest.get("spec", {}).get("template")
    if said.namespace and manifest["kind"] != "Namespace":
        metadata["namespace"] = said.namespace
    for labels in said.labels:
        for labelled in [metadata, *([template["metadata"]] if template else [])]:
            labelled["labels"] = labelled.get("labels", {}) | labels.pairs
    tags = {image.name: f"{image.name}:{image.tag}" for image in said.images}
    for container in template["spec"]["containers"] if template else []:
        container["image"] = tags.get(container["image"], container["image"])
    for replicas in said.replicas:
        if _kind_and_name(manifest) == ("Deployment", replicas.name):
            manifest["spec"]["replicas"] = replicas.count


def _kind_and_name(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]
