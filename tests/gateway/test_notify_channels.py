"""The file of channels: who is told through what, and what is wrong with it, without a secret in the error."""

from pathlib import Path

import pytest

from gateway.notify_channels import ChannelsError, NotifyChannels, parse_channels, read_channels

WHOLE = """
chat:
  - json://127.0.0.1:8080/everybody
  - team: support
    urls: ["json://127.0.0.1:8080/support"]
pager:
  - {team: support, role: lead, urls: ["json://127.0.0.1/lead", "json://127.0.0.1/deputy"]}
"""


def urls(channels: NotifyChannels, channel: str, team: str, role: str) -> list[str]:
    return [address.service[0].fullpath for address in channels.of(channel, team, role)]


def test_all_addresses_that_fit_are_told() -> None:
    channels = parse_channels(WHOLE, "channels.yaml")
    assert channels.names == {"chat", "pager"}
    assert urls(channels, "chat", "support", "agent") == ["/everybody", "/support"]
    assert urls(channels, "chat", "sales", "agent") == ["/everybody"]
    assert urls(channels, "pager", "support", "lead") == ["/lead", "/deputy"]
    assert urls(channels, "pager", "support", "agent") == []
    assert urls(channels, "fax", "support", "lead") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "channels.yaml:1: names no channels; write each channel with a list of its URLs below it"),
        ("a: [b", "channels.yaml:1: is not YAML; check indentation, colons and quotes there"),
        ("\nchat: json://x", "channels.yaml:2: chat: should be a list of URLs; begin each with a dash"),
        ("chat:\n  - hunter2", "channels.yaml:2: chat[0]: is no URL that Apprise knows"),
        ("chat:\n  - slack://hunter2", "channels.yaml:2: chat[0]: is no slack:// URL that Apprise can use"),
        ("chat:\n  - {team: a}", "channels.yaml:2: chat[0].urls: should be a list of URLs"),
        ("chat:\n  - {urls: ['json://x'], who: me}", "channels.yaml:2: chat[0].who: is an unknown key; keys are team"),
        ("chat:\n  - {urls: ['json://x'], role: [a]}", "channels.yaml:2: chat[0].role: should be a name"),
        ("chat: ['json://x']\nchat: ['json://y']", "channels.yaml:2: chat: is written twice; keep one"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(text: str, told: str) -> None:
    with pytest.raises(ChannelsError) as refused:
        parse_channels(text, "channels.yaml")
    assert str(refused.value).splitlines()[-1].startswith(told)
    assert "hunter2" not in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ChannelsError) as refused:
        parse_channels("chat: [a]\npager: [b]", "channels.yaml")
    assert [line.split(":")[1] for line in str(refused.value).splitlines()] == ["1", "2"]


def test_a_file_in_another_encoding_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "channels.yaml"
    path.write_bytes("chat: [ä]".encode("latin-1"))
    with pytest.raises(ChannelsError, match="is not UTF-8"):
        read_channels(path)
