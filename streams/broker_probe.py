"""Asks a Kafka broker whether it is there: one Metadata request over a plain socket, without a client."""

import asyncio
import socket
import struct
from typing import BinaryIO

_METADATA, _VERSION = 3, 4
_CLIENT = b"tenfour"
_NO_TOPICS, _NO_CREATION = 0, False


def answering_cluster(bootstrap: str, timeout_s: float = 2.0) -> str | None:
    """The id of the cluster that answers at `host:port`; None while none does, or no broker has joined it."""
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=timeout_s) as connection:
            connection.sendall(_request())
            with connection.makefile("rb") as answer:
                return _cluster_id(_response(answer))
    except (OSError, ValueError, struct.error):
        return None


async def broker_problem(bootstrap: str) -> str | None:
    """Why records can't be read or written; None where the cluster answers."""
    return None if await broker_answers(bootstrap) else "no broker answers"


async def broker_answers(bootstrap: str) -> bool:
    """Whether any of the addresses, host:port[,host:port], answers."""
    for address in bootstrap.split(","):
        if await asyncio.to_thread(answering_cluster, address.strip()) is not None:
            return True
    return False


def _request() -> bytes:
    """Metadata request, version 4, for no topics: https://kafka.apache.org/protocol gives the layout."""
    header = struct.pack(">hhih", _METADATA, _VERSION, 0, len(_CLIENT)) + _CLIENT
    body = header + struct.pack(">i?", _NO_TOPICS, _NO_CREATION)
    return struct.pack(">i", len(body)) + body


def _response(answer: BinaryIO) -> bytes:
    (size,) = struct.unpack(">i", answer.read(4))
    return answer.read(size)


def _cluster_id(response: bytes) -> str | None:
    """Past correlation id and throttle time: the brokers, then the cluster's id."""
    (brokers,) = struct.unpack_from(">i", response, 8)
    at = 12
    for _ in range(brokers):
        at = _past_string(response, at + 4) + 4  # node id, host, port
        at = _past_string(response, at)  # rack
    (size,) = struct.unpack_from(">h", response, at)
    return response[at + 2 : at + 2 + size].decode() if brokers and size > 0 else None


def _past_string(response: bytes, at: int) -> int:
    size: int = struct.unpack_from(">h", response, at)[0]
    return at + 2 + max(size, 0)
