"""A channel that replies are posted on: a real HTTP server, which behaves as badly as a test wants it to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

POSTED_AT = "2026-03-02T08:00:30Z"


@dataclass
class Channel:
    """By the id of a reply: what the channel does with the next requests about it, one after the other, then well.

    `post`: ok, fail, busy, refuse, accept, hang, store_and_hang, store_and_drop, drop, slow, duplicate.
    `look_up`: ok, fail, hang, page.
    """

    idempotent: bool = True
    post: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    look_up: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, reply), as they came."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    public: list[dict[str, Any]] = field(default_factory=list)
    """What everybody can read."""
    on_request: Callable[[], None] = lambda: None
    on_stored: Callable[[], None] = lambda: None
    url: str = ""

    def will(self, reply: str, *behaviour: str) -> None:
        self.post[reply].extend(behaviour)

    def will_say(self, reply: str, *behaviour: str) -> None:
        self.look_up[reply].extend(behaviour)

    def copies(self) -> Counter[str]:
        return Counter(post["key"] for post in self.public)

    def asked(self, reply: str) -> list[str]:
        return [method for method, found in self.requests if found == reply]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays."""
        head = await reader.readuntil(b"\r\n\r\n")
        request, *lines = head.decode().rstrip().split("\r\n")
        method, target, _ = request.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.authorizations.append(headers.get("authorization"))
        if method == "GET":
            return await self._look_up(parse_qs(urlsplit(target).query)["idempotency_key"][0], writer)
        key = headers["idempotency-key"]
        self.bodies.append(json.loads(body))
        return await self._post(key, writer)

    async def _post(self, key: str, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(("POST", key))
        self.on_request()
        behaviour = self.post[key].popleft() if self.post[key] else "ok"
        if behaviour in ("hang", "drop"):
            return await _left_alone(behaviour)
        if behaviour in ("fail", "busy", "refuse", "accept"):
            status = {"fail": 500, "busy": 503, "refuse": 422, "accept": 202}[behaviour]
            _write(writer, status, {}, "Retry-After: 0\r\n" if behaviour == "busy" else "")
            return True
        if behaviour == "slow":
            await asyncio.sleep(0.4)
        stored = self._store(key)
        if behaviour == "duplicate":
            self._store(key)
        self.on_stored()
        if behaviour.startswith("store_and"):
            return await _left_alone(behaviour)
        _write(writer, 201, stored)
        return True

    def _store(self, key: str) -> dict[str, Any]:
        known = next((post for post in self.public if post["key"] == key), None)
        if known is None or not self.idempotent:
            known = {"key": key, "post": f"post of {key}", "url": f"https://channel.example/{key}"}
            self.public.append({**known, "posted_at": POSTED_AT})
        return {**known, "posted_at": POSTED_AT}

    async def _look_up(self, key: str, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(("GET", key))
        behaviour = self.look_up[key].popleft() if self.look_up[key] else "ok"
        if behaviour == "hang":
            return await _left_alone(behaviour)
        known = next((post for post in self.public if post["key"] == key), None)
        if behaviour in ("fail", "page"):
            _write(writer, 500 if behaviour == "fail" else 200, {"title": "a page for people"})
        elif known is None:
            _write(writer, 404, {"error": "no such post"})
        else:
            _write(writer, 200, known)
        return True


async def _left_alone(behaviour: str) -> bool:
    if behaviour.endswith("hang"):
        await asyncio.sleep(30)
    return False


def _write(writer: asyncio.StreamWriter, status: int, body: object, headers: str = "") -> None:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} So\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n{headers}\r\n"
    writer.write(head.encode() + text)


@asynccontextmanager
async def open_channel(**given: Any) -> AsyncIterator[Channel]:
    """A channel that listens until the block is left."""
    channel = Channel(**given)
    talks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(channel.serve(reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    channel.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/replies"
    try:
        yield channel
    finally:
        server.close()
        for talk in list(talks):
            talk.cancel()
