"""What `deploy/kubernetes` runs, as records, with the parts that the rules are about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from tests.deploy.compose_file import TOKEN_DIGEST
from tests.deploy.kustomization import KUBERNETES, Manifest, build

OVERLAYS: Final = ("small", "large")
COMPONENT: Final = "app.kubernetes.io/component"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Port(_Part):
    name: str
    number: int = Field(alias="containerPort")


class Probe(_Part):
    http: dict[str, str] = Field(alias="httpGet")
    period_s: int = Field(alias="periodSeconds")
    failures: int = Field(alias="failureThreshold")


class Variable(_Part):
    name: str
    value: str | None = None
    source: dict[str, Any] = Field(default_factory=dict, alias="valueFrom")


class Container(_Part):
    name: str
    image: str
    args: tuple[str, ...]
    env: tuple[Variable, ...] = ()
    env_from: tuple[dict[str, dict[str, str]], ...] = Field(alias="envFrom")
    ports: tuple[Port, ...] = ()
    startup: Probe | None = Field(None, alias="startupProbe")
    liveness: Probe | None = Field(None, alias="livenessProbe")
    readiness: Probe | None = Field(None, alias="readinessProbe")
    resources: dict[str, dict[str, str]]
    security: dict[str, Any] = Field(alias="securityContext")
    mounts: tuple[dict[str, Any], ...] = Field(alias="volumeMounts")

    @property
    def port(self) -> dict[str, int]:
        return {port.name: port.number for port in self.ports}


class Pod(_Part):
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = Field((), alias="initContainers")
    account: str = Field(alias="serviceAccountName")
    token: bool = Field(alias="automountServiceAccountToken")
    service_links: bool = Field(alias="enableServiceLinks")
    security: dict[str, Any] = Field(alias="securityContext")
    volumes: tuple[dict[str, Any], ...]
    spread: tuple[dict[str, Any], ...] = Field((), alias="topologySpreadConstraints")
    nodes: dict[str, str] = Field(alias="nodeSelector")
    grace_s: int = Field(30, alias="terminationGracePeriodSeconds")
    restart: str = Field("Always", alias="restartPolicy")
    host_network: bool = Field(False, alias="hostNetwork")
    host_pid: bool = Field(False, alias="hostPID")
    host_ipc: bool = Field(False, alias="hostIPC")

    @property
    def container(self) -> Container:
        """The one there is."""
        (container,) = self.containers
        return container


@dataclass(frozen=True)
class Workload:
    """A Deployment or a Job."""

    kind: str
    name: str
    spec: Manifest
    pod: Pod

    @property
    def labels(self) -> dict[str, str]:
        """Those of its pods."""
        labels: dict[str, str] = self.spec["template"]["metadata"]["labels"]
        return labels


@cache
def overlay(name: str) -> tuple[Manifest, ...]:
    return tuple(build(KUBERNETES / "overlays" / name))


def of_kind(kind: str, overlay_name: str = "small") -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in overlay(overlay_name) if one["kind"] == kind}


def workloads(kind: str, overlay_name: str = "small") -> dict[str, Workload]:
    return {
        name: Workload(kind, name, one["spec"], Pod.model_validate(one["spec"]["template"]["spec"]))
        for name, one in of_kind(kind, overlay_name).items()
    }


def environment(workload: Workload, overlay_name: str) -> dict[str, str]:
    """As the container gets it, with a digest for every secret."""
    maps = of_kind("ConfigMap", overlay_name)
    container = workload.pod.container
    given: dict[str, str] = {}
    for source in container.env_from:
        given |= maps[source["configMapRef"]["name"]]["data"]
    return given | {one.name: one.value if one.value is not None else TOKEN_DIGEST for one in container.env}
