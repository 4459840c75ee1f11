"""`deploy/Dockerfile` against the repository and `docker-compose.yml`, without Docker."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from console.migrate import SCRIPTS
from models.manifest import MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE
from streams.settings import load_settings
from tenfour.demo import BUNDLE
from tests.deploy.compose_file import REPOSITORY, read_compose_file
from tests.deploy.dockerfile import Instruction, build_context, read_dockerfile

BUILDER, FINAL = read_dockerfile(REPOSITORY / "deploy" / "Dockerfile")
CONTEXT = build_context(REPOSITORY)
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
OURS = [service for service in read_compose_file().services.values() if service.image.startswith("tenfour:")]
LOCK = "requirements/run.lock"
BESIDE_THE_PACKAGES = {"pyproject.toml", "policy.yaml", LOCK}


def _sources(copies: list[Instruction]) -> list[str]:
    return [source for copy in copies for source in copy.words[:-1]]


# What goes in


def test_every_base_image_is_pinned_to_one_small_python() -> None:
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", BUILDER.image)
    assert FINAL.image == BUILDER.image


@pytest.mark.parametrize("source", _sources(BUILDER.all("COPY")))
def test_every_copied_source_is_in_the_repository_and_reaches_the_build(source: str) -> None:
    assert source in CONTEXT or any(path.startswith(f"{source}/") for path in CONTEXT)


def test_the_packages_are_copied_and_nothing_beside_them_but_what_they_need() -> None:
    assert sorted(_sources(BUILDER.all("COPY"))) == sorted(
        [*PROJECT["tool"]["setuptools"]["packages"], *BESIDE_THE_PACKAGES]
    )


def test_every_source_keeps_its_place() -> None:
    for copy in BUILDER.all("COPY"):
        *sources, target = copy.words
        assert target == "./" or sources == [target]
        assert target != "./" or all("/" not in source for source in sources)


def test_the_build_sees_nothing_but_what_is_copied() -> None:
    copied = _sources(BUILDER.all("COPY"))
    assert [path for path in CONTEXT if path not in copied and path.partition("/")[0] not in copied] == []


def test_the_build_sees_neither_secrets_nor_leftovers(tmp_path: Path) -> None:
    kept = {"streams/stages.py", "policy.yaml"}
    left_out = {
        ".env",
        ".git/config",
        ".venv/bin/python",
        "streams/__pycache__/stages.cpython-311.pyc",
        "streams/old.pyc",
    }
    for name in kept | left_out:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(REPOSITORY / ".dockerignore", tmp_path)
    assert build_context(tmp_path) == kept


@pytest.mark.parametrize("file", [MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE])
def test_the_model_reaches_the_build(file: str) -> None:
    assert f"models/mentions/{file}" in CONTEXT


def test_the_demo_s_mentions_reach_the_build() -> None:
    assert str(BUNDLE.relative_to(REPOSITORY)) in CONTEXT


def test_every_step_of_the_read_model_s_tables_reaches_the_build() -> None:
    package, _, folder = SCRIPTS.partition(":")
    steps = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / package / folder).rglob("*.py")}
    assert f"{package}/{folder}/env.py" in steps
    assert len(steps) > 3
    assert steps <= CONTEXT


@pytest.mark.parametrize("package", ["psycopg", "psycopg-binary", "alembic", "apprise", "aiokafka"])
def test_the_lock_has_what_reaches_the_databases_the_log_and_people(package: str) -> None:
    assert re.search(rf"^{package}==", (REPOSITORY / LOCK).read_text(encoding="utf-8"), re.MULTILINE)


# How it is built


def test_what_is_fetched_is_what_the_lock_pins_and_is_never_compiled() -> None:
    fetching = [run for run in _installations() if "--no-index" not in run.text]
    assert [run.text.partition(" && ")[0] for run in fetching] == [
        f"pip --python /opt/tenfour install --require-hashes --only-binary=:all: -r {LOCK}"
    ]


def test_the_product_itself_fetches_nothing() -> None:
    (own,) = [run for run in _installations() if "--no-index" in run.text]
    assert {"--no-deps", "--no-build-isolation", "."} <= set(own.text.split())


def test_the_final_stage_takes_all_from_the_builder() -> None:
    assert {copy.flags["from"] for copy in FINAL.all("COPY")} == {BUILDER.name}
    assert [copy.words for copy in FINAL.all("COPY")] == [["/opt/tenfour"] * 2, ["/app"] * 2]
    assert BUILDER.last("WORKDIR").text == "/app"


def test_the_final_stage_installs_nothing() -> None:
    assert not any(re.search(r"\b(apt|apt-get|pip|gcc|curl|wget)\b", run.text) for run in FINAL.all("RUN"))
    assert not [*BUILDER.all("ADD"), *FINAL.all("ADD")]


def _installations() -> list[Instruction]:
    return [run for run in BUILDER.all("RUN") if " install " in run.text]


# What runs


def test_the_program_is_tenfour() -> None:
    assert FINAL.last("ENTRYPOINT").exec_form == ["tenfour"]
    assert "tenfour" in PROJECT["project"]["scripts"]
    assert FINAL.environment["PATH"].startswith("/opt/tenfour/bin:")


def test_it_does_not_run_as_root() -> None:
    user = FINAL.last("USER").text
    assert all(int(number) > 0 for number in user.split(":"))
    assert {service.user for service in OURS} == {user}
    assert f"--uid {user.partition(':')[0]}" in FINAL.all("RUN")[0].text


def test_its_settings_name_what_was_copied() -> None:
    settings = load_settings(FINAL.environment)
    assert str(settings.policy.relative_to("/app")) in CONTEXT
    assert str(settings.model.relative_to("/app") / MANIFEST_FILE) in CONTEXT


def test_it_works_in_a_folder_that_may_be_written() -> None:
    folder = FINAL.last("WORKDIR").text
    assert all(folder in [mount.partition(":")[0] for mount in service.tmpfs] for service in OURS)


def test_its_probes_are_compose_s() -> None:
    assert not FINAL.all("HEALTHCHECK")
