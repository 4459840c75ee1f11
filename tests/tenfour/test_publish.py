"""`tenfour publish` and `tenfour notify`, as an operator starts them."""

from pathlib import Path

import pytest

from streams.settings import Settings
from tenfour.local_pipeline import beside_the_stages, sources
from tests.tenfour.command import tenfour

CHANNEL = {"TENFOUR_PUBLISH_URL": "https://channel.example/hunter2"}


def test_publishing_says_what_it_needs() -> None:
    ended = tenfour("publish")
    assert ended.status == 1
    assert ended.err.startswith("tenfour: TENFOUR_PUBLISH_URL is not set")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"TENFOUR_PUBLISH_URL": "channel.example"}, "TENFOUR_PUBLISH_URL: is no address of a webhook"),
        (
            CHANNEL | {"TENFOUR_PUBLISH_LOOKUP_URL": "https://channel.example"},
            "TENFOUR_PUBLISH_LOOKUP_URL: has no {key}",
        ),
        (CHANNEL | {"TENFOUR_PUBLISH_TOKEN": "hunter 2"}, "TENFOUR_PUBLISH_TOKEN: is no bearer token"),
        (CHANNEL | {"TENFOUR_PUBLISH_TOKEN_FILE": "missing"}, "TENFOUR_PUBLISH_TOKEN_FILE: can't read missing"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_in_one_line_without_its_secret(
    settings: dict[str, str], told: str
) -> None:
    ended = tenfour("publish", **settings)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"tenfour: {told}")
    assert len(ended.err.splitlines()) == 1
    assert "hunter" not in ended.err


def test_notifying_says_what_it_needs() -> None:
    ended = tenfour("notify")
    assert ended.status == 1
    assert ended.err.startswith("tenfour: TENFOUR_NOTIFY_CHANNELS is not set")


def test_a_mistake_in_the_file_of_channels_is_told_with_its_line_and_without_the_url(tmp_path: Path) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text("chat:\n  - slack://hunter2\n")
    ended = tenfour("notify", TENFOUR_NOTIFY_CHANNELS=str(file))
    assert ended.status == 1
    assert ended.err.startswith(f"tenfour: {file}:2: chat[0]: is no slack:// URL")
    assert "hunter2" not in ended.err


def test_neither_runs_with_the_rest_unless_the_settings_say_where_to() -> None:
    both = Settings(publish_url="https://channel.example", notify_channels=Path("channels.yaml"))
    assert [name for name, _ in beside_the_stages(Settings())] == ["gateway", "desk API"]
    assert [name for name, _ in beside_the_stages(both)] == ["gateway", "desk API", "publish", "notify"]
    assert sources(both)[-2:] == [
        ("publish", "tenfour-publish", "desk-events"),
        ("notify", "tenfour-notify", "desk-events"),
    ]
