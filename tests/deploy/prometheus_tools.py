"""Debian's Prometheus, Alertmanager and their tools, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ALERTMANAGER_BINARIES: Final = ("prometheus-alertmanager", "alertmanager")
"""Debian's name, and that of the project's own archives."""
KNOWS_URL_FILES: Final = (0, 26)


def tool(*names: str) -> str:
    """The first of the programs that is installed. Skips the test, or module, that asks where there is none."""
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip(f"needs {names[0]}: apt-get install prometheus prometheus-alertmanager", allow_module_level=True)


def run_tool(name: str, *arguments: str) -> str:
    """What it prints. The test fails with it where the tool finds a fault."""
    ended = subprocess.run([tool(name), *arguments], capture_output=True, text=True, timeout=240, check=False)
    printed = ended.stdout + ended.stderr
    assert ended.returncode == 0, printed
    return ended.stdout


def understood(configuration: str) -> str:
    """The configuration as the installed Alertmanager can read it. One before 0.26, such as Debian 12's, has no
    `url_file`: an address stands in its place, all else is as shipped."""
    said = subprocess.run([tool("amtool"), "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    assert version is not None
    if (int(version[1]), int(version[2])) >= KNOWS_URL_FILES:
        return configuration
    return with_addresses(configuration, "http://127.0.0.1:1")


def with_addresses(configuration: str, address: str) -> str:
    """Each receiver's file replaced by an address whose path is the file's name."""
    return re.sub(
        r"url_file: (\S+?)([,}])", lambda found: f'url: "{address}/{Path(found[1]).name}"{found[2]}', configuration
    )
