"""The command line as a whole."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
import typer

from tenfour.errors import OPERATOR_ERRORS, UNEXPECTED, report
from tenfour.main import COMMANDS, module_of
from tests.tenfour.command import ROOT, tenfour


def test_help_lists_every_command() -> None:
    ended = tenfour("--help")
    assert ended.status == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in ended.out] == []


def test_help_imports_nothing_that_is_slow() -> None:
    program = (
        "import sys\n"
        "from tenfour.main import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "slow = {'faust', 'aiokafka', 'onnxruntime', 'numpy', 'fastapi', 'uvicorn', 'pydantic_settings'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_is_the_app_of_its_module(name: str) -> None:
    assert isinstance(import_module(module_of(name)).app, typer.Typer)


def test_the_version_is_that_of_the_package() -> None:
    assert tenfour("--version").out == f"tenfour {version('tenfour')}\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    ended = tenfour("relpay")
    assert (ended.status, ended.out) == (2, "")
    assert "No such command 'relpay'" in ended.err


def test_an_unknown_setting_is_told_in_one_line() -> None:
    ended = tenfour("topics", "list", TENFOUR_PARTITONS="4")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "tenfour: unknown setting TENFOUR_PARTITONS; `tenfour settings` lists all\n"


@pytest.mark.parametrize("name", sorted(OPERATOR_ERRORS))
def test_each_operator_error_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), Exception)


def test_a_fault_of_the_program_is_one_line_with_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyError("left\nover")) == UNEXPECTED
    assert capsys.readouterr().err == ("tenfour: unexpected KeyError: 'left\\nover'; TENFOUR_TRACEBACK=1 shows where\n")


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(FileNotFoundError(2, "No such file or directory", "policy.yaml")) == 1
    assert capsys.readouterr().err == "tenfour: policy.yaml: No such file or directory\n"


def test_the_traceback_is_there_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENFOUR_TRACEBACK", "1")
    try:
        raise KeyError("x")
    except KeyError as error:
        report(error)
    assert "Traceback (most recent call last)" in capsys.readouterr().err
