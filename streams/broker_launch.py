"""From a locked folder to a Kafka that answers: ports, formatting, the guarded process, the wait."""

import base64
import random
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from streams.broker_folder import BrokerFolder, BrokerState, ProcessId, choose_ports, is_free, owner_id
from streams.broker_jars import BrokerError, Progress
from streams.broker_probe import answering_cluster
from streams.broker_run import KafkaRuntime, write_settings
from streams.process_guard import STAY, guarded

GRACE_S = 10.0
"""Seconds that the broker has to end in order before SIGKILL."""

_POLL_S = 0.05
_ATTEMPTS = 3
_FORMAT_TIMEOUT_S = 120
_GUARD_TIMEOUT_S = 20.0
_SETTINGS = "server.properties"


class _PortTaken(Exception):
    """Another process took a port between its choice and Kafka's use of it."""


@dataclass(frozen=True)
class Launched:
    """A broker that answers, the guard that it runs under, and the life line to that guard."""

    state: BrokerState
    guard: "subprocess.Popen[bytes]"
    line: socket.socket


def launch(
    at: BrokerFolder,
    runtime: KafkaRuntime,
    lock: BinaryIO,
    heap_mb: int,
    keep_running: bool,
    progress: Progress,
    timeout_s: float,
) -> Launched:
    """Start Kafka on the folder whose `lock` is held, and wait up to `timeout_s` for its answer.

    Guard and Kafka inherit the lock. Raises BrokerError where Kafka ends or stays silent.
    """
    rng = random.Random()
    for _ in range(_ATTEMPTS):
        client, controller = choose_ports(at.state(), rng)
        state = BrokerState(client_port=client, controller_port=controller, owner=owner_id(keep_running))
        at.write_state(state)
        _format(at, runtime, (client, controller))
        progress("starting Kafka")
        with suppress(_PortTaken):
            return _started(at, runtime, lock, heap_mb, state, timeout_s)
    raise BrokerError(f"no free port for the broker of {at.path} in {_ATTEMPTS} attempts; start it again")


def _format(at: BrokerFolder, runtime: KafkaRuntime, ports: tuple[int, int]) -> None:
    """Make the data folder where there is none: beside it, then moved, so that it is whole or not there."""
    if at.cluster_id() is not None:
        return
    if (at.path / "data").exists():
        raise BrokerError(f"{at.path / 'data'} is no Kafka data: it has no meta.properties; move it away")
    for torn in at.path.glob("format-*"):
        shutil.rmtree(torn, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="format-", dir=at.path))
    write_settings(at.path, _SETTINGS, new.name, ports)
    command = runtime.format_command(_SETTINGS, _new_cluster_id())
    done = subprocess.run(command, cwd=at.path, capture_output=True, timeout=_FORMAT_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise BrokerError(f"Kafka cannot format {at.path}: {_last_words(done.stderr + done.stdout)}")
    new.replace(at.path / "data")


def _new_cluster_id() -> str:
    """128 random bits as Kafka writes them: URL-safe base64 without padding, and no leading dash."""
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()).startswith("-"):
        pass
    return name


def _started(
    at: BrokerFolder,
    runtime: KafkaRuntime,
    lock: BinaryIO,
    heap_mb: int,
    state: BrokerState,
    timeout_s: float,
) -> Launched:
    write_settings(at.path, _SETTINGS, "data", (state.client_port, state.controller_port))
    shutil.rmtree(at.path / "tmp", ignore_errors=True)
    (at.path / "tmp").mkdir()
    command = runtime.broker_command(_SETTINGS, heap_mb, at.path / "tmp")
    guard, line = _guarded_process(command, at.path, lock)
    try:
        broker = ProcessId.of(_told_id(line, at))
        _wait_for_answer(guard, at, state, timeout_s)
        return _announced(at, state.model_copy(update={"broker": broker}), guard, line)
    except BaseException as error:
        _end(guard, line)
        if isinstance(error, psutil.Error):
            raise BrokerError(f"Kafka ended while starting: {_why(at)}") from error
        raise


def _announced(at: BrokerFolder, state: BrokerState, guard: "subprocess.Popen[bytes]", line: socket.socket) -> Launched:
    at.write_state(state)
    if state.owner is None:
        line.sendall(STAY)
    return Launched(state, guard, line)


def _guarded_process(
    command: list[str], folder: Path, lock: BinaryIO
) -> tuple["subprocess.Popen[bytes]", socket.socket]:
    line, guards_end = socket.socketpair()
    with guards_end, (folder / "kafka.out").open("wb") as out:
        guard = subprocess.Popen(
            guarded(command, GRACE_S, kept_fds=[lock.fileno()]),
            cwd=folder,
            stdin=guards_end.fileno(),
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
    return guard, line


def _told_id(line: socket.socket, at: BrokerFolder) -> int:
    """The process id of Java, which the guard writes first."""
    line.settimeout(_GUARD_TIMEOUT_S)
    try:
        return int(line.recv(64))
    except (OSError, ValueError) as error:
        raise BrokerError(f"cannot run Kafka: {_why(at)}") from error


def _wait_for_answer(guard: "subprocess.Popen[bytes]", at: BrokerFolder, state: BrokerState, timeout_s: float) -> None:
    """Until this very cluster answers with its broker in it. Raises _PortTaken or BrokerError."""
    deadline = time.monotonic() + timeout_s
    while answering_cluster(state.bootstrap) != at.cluster_id():
        if guard.poll() is not None:
            if not (is_free(state.client_port) and is_free(state.controller_port)):
                raise _PortTaken
            raise BrokerError(f"Kafka ended while starting: {_why(at)}")
        if time.monotonic() > deadline:
            raise BrokerError(f"Kafka does not answer after {timeout_s:.0f} s: see {at.path / 'kafka.log'}")
        time.sleep(_POLL_S)


def _end(guard: "subprocess.Popen[bytes]", line: socket.socket) -> None:
    """At once: the guard ends Kafka when its line closes."""
    line.close()
    guard.wait()


def _why(at: BrokerFolder) -> str:
    with suppress(OSError):
        for name in ("kafka.out", "kafka.log"):
            if words := _last_words((at.path / name).read_bytes()[-20_000:]):
                return f"{words} (see {at.path / name})"
    return f"no reason given (see {at.path / 'kafka.log'})"


def _last_words(output: bytes) -> str:
    """The last line that names an error, else the last one."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    named = [line for line in lines if "ERROR" in line or "Error" in line or "Exception" in line]
    return (named or lines or [""])[-1]
