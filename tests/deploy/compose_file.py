"""`docker-compose.yml` as records, with the parts that the rules are about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

REPOSITORY: Final = Path(__file__).parents[2]
COMPOSE_FILE: Final = REPOSITORY / "docker-compose.yml"
CLUSTER_FILE: Final = REPOSITORY / "deploy" / "cluster.yml"
TOKEN_DIGEST: Final = "ab" * 32
"""Stands for the tokens and passwords that whoever runs it must set."""

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Dependency(_Part):
    condition: str


class Healthcheck(_Part):
    test: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        """What is run in the container, without `CMD`."""
        return self.test[1:]


class Limits(_Part):
    cpus: str
    memory: str
    pids: int


class Resources(_Part):
    limits: Limits


class Deploy(_Part):
    resources: Resources


class Logging(_Part):
    options: dict[str, str]


class Service(_Part):
    """One service; what it does not say has Docker's default."""

    image: str
    user: str = "root"
    command: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    depends_on: dict[str, Dependency] = Field(default_factory=dict)
    healthcheck: Healthcheck | None = None
    restart: str | None = None
    stop_grace_period: str = "10s"
    read_only: bool = False
    privileged: bool = False
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    network_mode: str | None = None
    pid: str | None = None
    ipc: str | None = None
    container_name: str | None = None
    logging: Logging | None = None
    deploy: Deploy | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The environment as the container gets it where nothing but the tokens and passwords is set."""
        return {name: resolved(value) for name, value in self.environment.items()}


class Network(_Part):
    internal: bool = False


class ComposeFile(_Part):
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, dict[str, str]]
    secrets: dict[str, dict[str, str]]


def read_compose_file(path: Path = COMPOSE_FILE) -> ComposeFile:
    return ComposeFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def variables(text: str) -> set[str]:
    """Names of the variables that Compose fills in."""
    return {found["name"] for found in _VARIABLE.finditer(text)}


def resolved(value: str) -> str:
    """The value with its variables filled in: by their default, or the digest of a token where they have none."""
    return _VARIABLE.sub(lambda found: TOKEN_DIGEST if found["kind"] == "?" else found["rest"] or "", value)


def seconds(duration: str) -> int:
    """Of a duration such as `45s` or `1m`."""
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]
