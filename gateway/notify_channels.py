"""Who is told through what: the file that maps the channels of the policy's escalations to Apprise URLs.

    chat:
      - slack://...
    email:
      - {team: support, role: lead, urls: ["mailtos://..."]}

An address without `team` or `role` is told whatever they are; all that fit are told. URLs hold secrets: no error and no
log quotes one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import apprise
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_SCHEME: Final = re.compile(r"([a-z][a-z0-9]{1,15})://")
_KEYS: Final = ("team", "role", "urls")


class ChannelsError(ValueError):
    """The file can't be used. Its text has a line a problem: `file:line: key: what is wrong; hint`."""


class Address(NamedTuple):
    """One URL. None: whatever the team or role."""

    team: str | None
    role: str | None
    service: apprise.Apprise

    def fits(self, team: str, role: str) -> bool:
        return self.team in (None, team) and self.role in (None, role)


class NotifyChannels:
    """The addresses of each channel."""

    def __init__(self, by_channel: Mapping[str, Sequence[Address]]) -> None:
        self._by_channel = by_channel

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._by_channel)

    def of(self, channel: str, team: str, role: str) -> list[Address]:
        return [address for address in self._by_channel.get(channel, ()) if address.fits(team, role)]


def read_channels(path: Path) -> NotifyChannels:
    """The file's channels. Raises OSError where it can't be read, ChannelsError where it can't be used."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its warnings name hosts and users
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ChannelsError(f"{path}:1: is not UTF-8; save it in that encoding") from None
    return parse_channels(text, str(path))


def parse_channels(text: str, name: str) -> NotifyChannels:
    """`name` is what errors call the file. Raises ChannelsError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ChannelsError(f"{name}:{line}: is not YAML; check indentation, colons and quotes there") from None
    reading = _Reading(name)
    found = reading.channels(root)
    if reading.problems:
        raise ChannelsError("\n".join(reading.problems))
    return NotifyChannels(found)


class _Reading:
    """Goes through the file and keeps what is wrong with it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.problems: list[str] = []

    def channels(self, root: Node | None) -> dict[str, list[Address]]:
        if not isinstance(root, MappingNode) or not root.value:
            self._refuse(root, "", "names no channels", "write each channel with a list of its URLs below it")
            return {}
        found: dict[str, list[Address]] = {}
        for key, value in root.value:
            name = str(key.value)
            if name in found:
                self._refuse(key, name, "is written twice", "keep one")
            found[name] = list(self._addresses(name, value))
        return found

    def _addresses(self, channel: str, node: Node) -> Iterator[Address]:
        if not isinstance(node, SequenceNode) or not node.value:
            self._refuse(node, channel, "should be a list of URLs", "begin each with a dash")
            return
        for number, item in enumerate(node.value):
            path = f"{channel}[{number}]"
            if isinstance(item, MappingNode):
                yield from self._some_addresses(path, item)
            else:
                yield from self._url(path, item, None, None)

    def _some_addresses(self, path: str, node: MappingNode) -> Iterator[Address]:
        fields = {str(key.value): value for key, value in node.value}
        for key in [key for key in fields if key not in _KEYS]:
            self._refuse(node, f"{path}.{key}", "is an unknown key", f"keys are {', '.join(_KEYS)}")
        urls = fields.get("urls")
        if not isinstance(urls, SequenceNode) or not urls.value:
            self._refuse(
                urls or node, f"{path}.urls", "should be a list of URLs", "write it like urls: [mailtos://...]"
            )
            return
        team, role = self._name_in(path, "team", fields), self._name_in(path, "role", fields)
        for number, url in enumerate(urls.value):
            yield from self._url(f"{path}.urls[{number}]", url, team, role)

    def _name_in(self, path: str, key: str, fields: Mapping[str, Node]) -> str | None:
        node = fields.get(key)
        if node is None:
            return None
        if not isinstance(node, ScalarNode) or not node.value:
            self._refuse(node, f"{path}.{key}", "should be a name", "write one, or leave it out for all")
            return None
        return str(node.value)

    def _url(self, path: str, node: Node, team: str | None, role: str | None) -> Iterator[Address]:
        service = apprise.Apprise()
        if isinstance(node, ScalarNode) and _added(service, str(node.value)):
            yield Address(team, role, service)
            return
        scheme = _SCHEME.match(str(node.value)) if isinstance(node, ScalarNode) else None
        what = f"is no {scheme[1]}:// URL that Apprise can use" if scheme else "is no URL that Apprise knows"
        self._refuse(node, path, what, "see https://github.com/caronc/apprise/wiki for the form of each service")

    def _refuse(self, node: Node | None, path: str, what: str, hint: str) -> None:
        line = 1 if node is None else node.start_mark.line + 1
        self.problems.append(f"{self._name}:{line}: " + (f"{path}: " if path else "") + f"{what}; {hint}")


def _added(service: apprise.Apprise, url: str) -> bool:
    """Apprise takes what is no URL for a host name of its own service: only what has a scheme is a URL here."""
    return "://" in url and bool(service.add(url))
