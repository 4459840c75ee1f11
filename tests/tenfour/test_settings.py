"""`tenfour settings`: the list of every variable."""

import json

import pytest

from streams.settings import PREFIX, READ_ELSEWHERE, Settings
from tenfour.settings import ELSEWHERE, as_markdown, settings, variables
from tests.tenfour.command import tenfour


def test_every_setting_has_a_variable_a_meaning_and_a_default() -> None:
    found = {variable.name: variable for variable in variables({})}
    assert {PREFIX + name.upper() for name in Settings.model_fields} <= set(found)
    assert [variable.name for variable in found.values() if not variable.meaning] == []
    assert found["TENFOUR_PARTITIONS"].default == "8"
    assert found["TENFOUR_POLICY"].default == "policy.yaml"
    assert found["TENFOUR_BATCH_TIMEOUT_S"].default == "120"
    assert found["TENFOUR_SECOND_MODEL"].default == ""


def test_variables_that_are_read_elsewhere_are_listed_too() -> None:
    assert set(READ_ELSEWHERE) | {"KAFKA_BOOTSTRAP"} == set(ELSEWHERE)


def test_the_current_value_is_shown() -> None:
    found = {variable.name: variable.current for variable in variables({"TENFOUR_TICKS": "replay"})}
    assert (found["TENFOUR_TICKS"], found["TENFOUR_TICK_MS"]) == ("replay", None)


@pytest.mark.parametrize("option", ["--json", "--markdown", None])
def test_a_secret_is_never_shown(
    option: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENFOUR_GATEWAY_TOKENS", "c0ffee")
    settings(json=option == "--json", markdown=option == "--markdown")
    assert "c0ffee" not in capsys.readouterr().out


def test_the_list_is_shown_although_a_setting_is_wrong() -> None:
    ended = tenfour("settings", "--json", TENFOUR_PARTITIONS="many")
    assert ended.status == 1
    assert {item["name"]: item["current"] for item in json.loads(ended.out)}["TENFOUR_PARTITIONS"] == "many"
    assert ended.err.startswith("tenfour: TENFOUR_PARTITIONS: ")


def test_the_documentation_is_a_table_without_current_values(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = as_markdown(variables({"TENFOUR_DATA": "/somewhere"})).splitlines()
    assert lines[:2] == ["| variable | meaning | default |", "|---|---|---|"]
    assert "| `TENFOUR_DATA` | Folder of the embedded broker's data. | `.tenfour` |" in lines
