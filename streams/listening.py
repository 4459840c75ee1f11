"""Where a server of this process listens."""

from __future__ import annotations

from streams.settings import PREFIX


class ServingError(RuntimeError):
    """The server can't listen, or can't do its work any more; the text says why and what to do."""


def cannot_listen(host: str, port: int, name: str, error: OSError) -> ServingError:
    """Tells to set TENFOUR_<name>_HOST and TENFOUR_<name>_PORT."""
    reason = (error.strerror or str(error)).partition(" (")[0]
    return ServingError(
        f"cannot listen on {host}:{port}: {reason}; set {PREFIX}{name}_HOST and {PREFIX}{name}_PORT to others"
    )
