"""Settings say what they mean, and refuse what they don't know."""

import re
from pathlib import Path

import pytest

from streams.settings import PREFIX, Settings, SettingsError, load_settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_means(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_every_setting_has_a_default_that_is_possible() -> None:
    assert Settings.model_validate(load_settings({}).model_dump()) == load_settings({})


def test_a_setting_is_read_from_its_variable() -> None:
    assert load_settings({"TENFOUR_PARTITIONS": "12"}).partitions == 12


def test_an_unknown_variable_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"unknown setting TENFOUR_PARTITION; `tenfour settings` lists all"):
        load_settings({"TENFOUR_PARTITION": "12"})


def test_variables_of_others_are_left_alone() -> None:
    assert load_settings({"PARTITIONS": "x", "KAFKA_HEAP_OPTS": "x"}) == load_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTITIONS", "many"),
        ("PARTITIONS", "0"),
        ("TICKS", "sometimes"),
        ("SESSION_TIMEOUT_S", "1"),
        ("GATEWAY_PORT", "70000"),
        ("SECOND_STAGE_SHARE", "0"),
        ("SECOND_STAGE_SHARE", "1.5"),
        ("SECOND_STAGE_LAG_HIGH", "-1"),
    ],
)
def test_an_impossible_value_is_refused_with_its_variable_and_itself(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{PREFIX}{name}: .*, not {re.escape(repr(value))}$"):
        load_settings({PREFIX + name: value})


def test_all_impossible_values_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"TENFOUR_PARTITIONS: .*TENFOUR_TICK_MS: "):
        load_settings({"TENFOUR_PARTITIONS": "-1", "TENFOUR_TICK_MS": "1"})


def test_a_cluster_of_the_environment_is_used_unless_the_setting_says_otherwise() -> None:
    assert load_settings({"KAFKA_BOOTSTRAP": "there:9092"}).bootstrap == "there:9092"
    both = {"KAFKA_BOOTSTRAP": "there:9092", "TENFOUR_BOOTSTRAP": "here:9092"}
    assert load_settings(both).bootstrap == "here:9092"


def test_an_empty_second_model_is_none() -> None:
    assert load_settings({"TENFOUR_SECOND_MODEL": ""}).second_model is None
    assert load_settings({"TENFOUR_SECOND_MODEL": "models/large"}).second_model == Path("models/large")


@pytest.mark.parametrize("low", ["1000", "1001"])
def test_the_low_limit_of_lag_lies_below_the_high_one(low: str) -> None:
    with pytest.raises(
        SettingsError, match=rf"^TENFOUR_SECOND_STAGE_LAG_LOW: must be less than .*_HIGH, 1000, not '{low}'$"
    ):
        load_settings({"TENFOUR_SECOND_STAGE_LAG_LOW": low})


def test_a_high_limit_of_lag_below_the_low_ones_default_is_refused_too() -> None:
    with pytest.raises(SettingsError, match=r"^TENFOUR_SECOND_STAGE_LAG_LOW: must be less than .*_HIGH, 100, not 200$"):
        load_settings({"TENFOUR_SECOND_STAGE_LAG_HIGH": "100"})


def test_settings_can_not_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).partitions = 3  # type: ignore[misc]
