"""A Dockerfile as records, and what its build gets to see."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from docker.utils.build import exclude_paths  # type: ignore[import-untyped]

_CONTINUED = re.compile(r"\\\n")
_VARIABLES = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True)
class Instruction:
    """One instruction, such as COPY, its `--flag=value` pairs and the words after them."""

    name: str
    text: str

    @property
    def flags(self) -> dict[str, str]:
        return dict(re.findall(r"^--([a-z]+)=(\S+)", self.text, re.MULTILINE))

    @property
    def words(self) -> list[str]:
        return [word for word in self.text.split() if not word.startswith("--")]

    @property
    def exec_form(self) -> list[str]:
        """Raises ValueError for the shell form."""
        return [str(word) for word in json.loads(self.text)]


@dataclass(frozen=True)
class BuildStage:
    """All from one FROM to the next."""

    image: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]

    def last(self, name: str) -> Instruction:
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        return dict(pair for instruction in self.all("ENV") for pair in _VARIABLES.findall(instruction.text))


def read_dockerfile(path: Path) -> list[BuildStage]:
    """The build's stages in order; comments are left out, continued lines joined."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    stages: list[BuildStage] = []
    for line in _CONTINUED.sub(" ", "\n".join(lines)).splitlines():
        name, _, text = line.strip().partition(" ")
        if name.upper() == "FROM":
            image, *alias = text.split()
            stages.append(BuildStage(image, alias[1] if alias else None))
        elif name:
            stages[-1].instructions.append(Instruction(name.upper(), " ".join(text.split())))
    return stages


def build_context(repository: Path) -> set[str]:
    """The files, relative to the repository, that `.dockerignore` leaves to the build."""
    lines = (repository / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    paths = exclude_paths(str(repository), patterns)
    return {path for path in paths if (repository / path).is_file()} - {".dockerignore"}
