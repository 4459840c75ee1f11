"""Steps of escalations, a worker that tells people of them, and where they are told."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.back_off import BackOff
from gateway.notify_channels import parse_channels
from gateway.notify_people import notify_deliveries
from schemas.desk_events import EscalationChanged
from schemas.ids import conversation_key
from schemas.outcomes import NotificationFailed, NotificationSent
from streams.deliveries import run_deliveries
from streams.settings import Settings
from streams.topics import NOTIFICATIONS
from tests.gateway.publishing import decoded, found

QUICKLY = BackOff(0.05, 0.2)


def new_step(**changed: Any) -> EscalationChanged:
    """The start of an escalation that no other test has."""
    said: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "conversation": conversation_key("Acme", "x", secrets.token_hex(6)),
        "escalation": secrets.token_hex(16),
        "kind": "started",
        "trigger": "legal_threat",
        "mention": secrets.token_hex(16),
        "step": 1,
        "steps": 2,
        "role": "lead",
        "team": "support",
        "channel": "chat",
        "until": datetime(2026, 3, 2, 8, 15, tzinfo=UTC),
        "holding_reply": "We are looking into this.",
        "at": datetime(2026, 3, 2, 8, tzinfo=UTC),
    }
    return EscalationChanged.model_validate(said | changed)


@asynccontextmanager
async def notifying(kafka: str, channels: str, **changed: Any) -> AsyncIterator[None]:
    """A worker in this process, until the block is left."""
    quick = {"notify_timeout_s": 5.0, "commit_interval_s": 0.1}
    settings, stop = Settings(bootstrap=kafka, **(quick | changed)), asyncio.Event()

    async def until() -> None:
        await stop.wait()

    known = parse_channels(channels, "channels.yaml")
    worker = asyncio.create_task(
        run_deliveries(notify_deliveries(settings, known, time.time, QUICKLY), settings, until)
    )
    try:
        yield
    finally:
        stop.set()
        await worker


async def notified(kafka: str, step: EscalationChanged) -> NotificationSent | NotificationFailed:
    """What came of it, once something has."""

    async def outcomes() -> list[NotificationSent | NotificationFailed]:
        logged = await decoded(kafka, NOTIFICATIONS.name, step.conversation)
        kinds = NotificationSent | NotificationFailed
        return [record for record in logged if isinstance(record, kinds) and record.step == step.id]

    (outcome,) = await found(outcomes)
    return outcome


@dataclass
class Sink:
    """An HTTP server that keeps what it is sent, and fails as often as told."""

    port: int = 0
    failures: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/"

    def about(self, step: EscalationChanged) -> list[dict[str, Any]]:
        return [message for message in self.received if step.conversation in message["message"]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        body = json.loads(await reader.readexactly(length))
        status = 200
        if self.failures:
            self.failures -= 1
            status = 500
        else:
            self.received.append(body)
        writer.write(b"HTTP/1.1 %d So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    sink = Sink()
    async with await asyncio.start_server(sink.serve, "127.0.0.1", 0) as server:
        sink.port = server.sockets[0].getsockname()[1]
        yield sink


class Mailbox:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def open_mailbox() -> Iterator[tuple[Mailbox, int]]:
    """A mail server, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield mailbox, port
    finally:
        server.stop()
