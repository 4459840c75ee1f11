"""The folder of an embedded broker: who holds it, what is known of its broker, which ports are its own."""

import fcntl
import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

_LOCK = "broker.lock"
_STATE = "broker.json"
# Below the ports that Linux and macOS give to outgoing connections: a client that keeps trying a stopped
# broker's port could otherwise be given that very port, connect to itself and hold it.
_PORTS = range(20_000, 32_000)
_CLOCK_STEP_S = 60  # creation times move when the machine's clock is set


class ProcessId(BaseModel):
    """A process, safe against the reuse of its id: `started` is its creation time, s since 1970."""

    model_config = ConfigDict(frozen=True)
    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        return cls(pid=pid, started=psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started) < _CLOCK_STEP_S
            return is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


class BrokerState(BaseModel):
    """What stands in `broker.json`: no `broker` until it answers, no `owner` if it outlives its starter."""

    model_config = ConfigDict(frozen=True)
    client_port: int
    controller_port: int
    broker: ProcessId | None = None
    owner: ProcessId | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.client_port}"

    def is_ending(self) -> bool:
        return self.owner is not None and not self.owner.is_alive()


@dataclass(frozen=True)
class BrokerFolder:
    """The broker's folder. Its lock is a flock that guard and broker inherit: held while either lives."""

    path: Path

    def lock(self) -> BinaryIO | None:
        """The lock, held until every copy of its descriptor is closed; None where another has it."""
        file = (self.path / _LOCK).open("ab")
        if _flocked(file, fcntl.LOCK_EX):
            return file
        file.close()
        return None

    def is_held(self) -> bool:
        try:
            with (self.path / _LOCK).open("rb") as file:
                return not _flocked(file, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def state(self) -> BrokerState | None:
        """What was written last; None where nothing readable is. True of now only while the lock is held."""
        try:
            return BrokerState.model_validate_json((self.path / _STATE).read_bytes())
        except (OSError, ValidationError):
            return None

    def running(self) -> BrokerState | None:
        """The state of the broker that runs here and has answered; None where none does."""
        state = self.state()
        return state if state and state.broker and state.broker.is_alive() and self.is_held() else None

    def write_state(self, state: BrokerState) -> None:
        new = self.path / f"{_STATE}.new"
        new.write_text(state.model_dump_json(indent=1))
        new.replace(self.path / _STATE)

    def cluster_id(self) -> str | None:
        """The id in the formatted data folder; None before it is formatted."""
        with suppress(OSError):
            for line in (self.path / "data" / "meta.properties").read_text().splitlines():
                if line.startswith("cluster.id="):
                    return line.removeprefix("cluster.id=").strip()
        return None


def _flocked(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def choose_ports(kept: BrokerState | None, rng: random.Random) -> tuple[int, int]:
    """Two free ports of 127.0.0.1, client's and controller's: the kept ones if free, else any by chance."""
    client = kept.client_port if kept and is_free(kept.client_port) else _free_port(rng, taken=0)
    controller = kept.controller_port if kept and is_free(kept.controller_port) else 0
    return client, controller or _free_port(rng, taken=client)


def _free_port(rng: random.Random, taken: int) -> int:
    return next(port for port in rng.sample(_PORTS, len(_PORTS)) if port != taken and is_free(port))


def is_free(port: int) -> bool:
    with socket.socket() as trial:
        # As Java does: connections of a broker that was just killed don't hold its port.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def owner_id(keep_running: bool) -> ProcessId | None:
    """This process, where the broker is to end with it."""
    return None if keep_running else ProcessId.of(os.getpid())
