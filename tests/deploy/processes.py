"""What the product consists of, for whoever runs it."""

from __future__ import annotations

from typing import Final

from agents.registry import STAGES

COMMANDS_OF: Final[dict[str, tuple[str, ...]]] = {
    **{stage: ("run", stage) for stage in STAGES},
    **{name: (name,) for name in ("project", "gateway", "console", "publish", "notify")},
}
"""How each process is started: the words after `tenfour`, by its name."""

PREPARING: Final[dict[str, tuple[str, ...]]] = {"topics": ("topics", "apply"), "database": ("database", "upgrade")}
"""What is done once, before any of them."""

USE_THE_READ_MODEL: Final = {"database", "project", "console"}
SERVE_HTTP: Final = {"gateway": "gateway_port", "console": "console_port"}
"""Those that others call, and the setting of the port at which they do."""
NEED_SETTINGS: Final = {"publish", "notify"}
"""Those that refuse to start without settings that only whoever runs them has."""
