"""Reads the policy from its file."""

from __future__ import annotations

from pathlib import Path

from domain.policy import Policy, PolicyError, parse_policy


def read_policy(path: Path) -> Policy:
    """The policy. Raises OSError where the file can't be read, PolicyError with a line a mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PolicyError(f"{path}:1: is not UTF-8; save it in that encoding") from None
    return parse_policy(text, str(path))
