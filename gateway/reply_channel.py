"""The channel that replies are posted on: an HTTP webhook, and where to ask whether it has a reply.

What an answer means is decided in `domain/publishing.py`; here it is asked for, and brought into the rule's words.
Nothing of it is logged: neither texts, nor addresses, which may be secrets, nor the token.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlsplit

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from domain.publishing import Answer, Post
from gateway.intake_forms import Link
from schemas.desk_events import ReplyToPublish
from schemas.ids import conversation_parts
from schemas.record_fields import Instant, Name, PlainName
from streams.metrics import PUBLISH_REQUESTS
from streams.settings import Settings, SettingsError

MAX_ANSWER_BYTES: Final = 1_000_000
NO_LOOKUP: Final = "none"
_LOG = logging.getLogger("tenfour.publish")


class _TooLate(Exception):
    """The request was ready to leave too late: this process has stood still."""


_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def _as_text(value: int | str) -> str:
    return str(value)


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """What can't be used is as if it weren't there: the post is."""
    try:
        return read(value)
    except ValidationError:
        return None


class _PostAnswer(BaseModel):
    """The body of an answer that says of a post what the channel has."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    post: Annotated[PlainName | int, AfterValidator(_as_text)]
    url: Annotated[Link | None, WrapValidator(_or_none)] = None
    posted_at: Annotated[Instant | None, WrapValidator(_or_none)] = None
    reply: Name | None = None
    """Where the channel says whose post it is, it must be the reply's."""


class ReplyChannel:
    """Posts replies and looks them up, so many requests at a time."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        """`clock`: seconds since 1970. Raises SettingsError for an address or a token that can't be used."""
        self._url = _address("TENFOUR_PUBLISH_URL", settings.publish_url)
        self._lookup_url = _lookup_address(settings, self._url)
        self._clock, self._timeout_s = clock, settings.publish_timeout_s
        self._room = asyncio.Semaphore(settings.publish_requests)
        self._trouble = ""
        token = _token(settings)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._tls = httpx.create_ssl_context()
        self._free: list[httpx.AsyncClient] = []

    @property
    def can_look_up(self) -> bool:
        return self._lookup_url is not None

    @property
    def room(self) -> asyncio.Semaphore:
        """Hold it around a request."""
        return self._room

    async def post(self, reply: ReplyToPublish, leaves_by: float) -> Answer:
        """A request that can't leave by then, in seconds of the monotonic clock, does not leave at all."""
        headers = {"Idempotency-Key": reply.id, "Content-Type": "application/json"}
        more = {"content": _body(reply), "headers": headers, "extensions": {"trace": _stopped_after(leaves_by)}}
        return await self._ask("post", reply.id, {"method": "POST", "url": self._url, **more})

    async def look_up(self, reply: str) -> Answer:
        """By the reply's id. Only of a channel that can be asked."""
        assert self._lookup_url is not None
        address = self._lookup_url.replace("{key}", quote(reply, safe=""))
        return await self._ask("look_up", reply, {"method": "GET", "url": address})

    async def close(self) -> None:
        for client in self._free:
            await client.aclose()
        self._free.clear()

    async def _ask(self, kind: Literal["post", "look_up"], reply: str, request: dict[str, Any]) -> Answer:
        """`request`: what `build_request` is told. Each has a client of its own, which is kept only if it was answered:
        a request that is cut off while it connects may keep its place in httpx's pool for ever."""
        client = self._free.pop() if self._free else self._new_client()
        answer = None
        try:
            answer = await self._answer(kind, reply, client, client.build_request(**request))
        finally:
            if answer is not None and answer.status is not None:
                self._free.append(client)
            else:
                await client.aclose()
        PUBLISH_REQUESTS.labels(kind, str(answer.status or "none")).inc()
        self._tell_trouble(answer)
        return answer

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers=self._headers, timeout=self._timeout_s, verify=self._tls)

    def _tell_trouble(self, answer: Answer) -> None:
        """Once, until it is over or another: a line a request would be no news."""
        status = answer.status
        trouble = (
            answer.error if status is None else f"status {status}" if status >= 500 or status in (401, 403) else ""
        )
        if trouble != self._trouble:
            self._trouble = trouble
            _LOG.warning("the channel is in trouble: %s" if trouble else "the channel answers again%s", trouble)

    async def _answer(
        self, kind: Literal["post", "look_up"], reply: str, client: httpx.AsyncClient, request: httpx.Request
    ) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):  # httpx limits each read, not all of them
                response = await client.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except _TooLate:
            return Answer(kind, sent=False)
        except _NOTHING_SENT as error:
            return Answer(kind, sent=False, error=type(error).__name__)
        except (httpx.HTTPError, TimeoutError) as error:
            return Answer(kind, error=type(error).__name__)
        wait_s = _retry_after_s(response.headers.get("Retry-After"), self._clock())
        return Answer(kind, response.status_code, retry_after_s=wait_s, post=_post_in(body, reply))


def _stopped_after(leaves_by: float) -> Callable[[str, Any], Awaitable[None]]:
    """Called by httpcore with each step of a request. A channel that got the headers alone has got nothing."""

    async def trace(step: str, info: Any) -> None:  # noqa: ARG001
        if (
            step.endswith(("send_request_headers.started", "send_request_body.started"))
            and time.monotonic() > leaves_by
        ):
            raise _TooLate

    return trace


def _body(reply: ReplyToPublish) -> bytes:
    brand, channel, thread = conversation_parts(reply.conversation)
    said: dict[str, Any] = {
        "reply": reply.id,
        "conversation": reply.conversation,
        "brand": brand,
        "channel": channel,
        "thread": thread,
        "mention": reply.mention,
        "text": reply.text,
        "author": reply.author,
    }
    return json.dumps(said, ensure_ascii=False).encode()


async def _read(response: httpx.Response) -> bytes:
    """The body; of a longer one nothing, since no answer about a post is so long."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return b""
    return body


def _post_in(body: bytes, reply: str) -> Post | None:
    """What the body says of the reply's post, None if nothing."""
    try:
        found = _PostAnswer.model_validate_json(body)
    except ValidationError:
        return None
    if found.reply not in (None, reply):
        return None
    return Post(str(found.post), found.url, found.posted_at)


def _retry_after_s(header: str | None, now: float) -> float | None:
    """Seconds from the header, which holds seconds or a date; None without one that can be read."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now)


def _address(variable: str, given: str) -> str:
    """Raises SettingsError, without quoting what may be a secret."""
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{variable}: is no address of a webhook; write it like https://channel.example/replies")
    return given


def _lookup_address(settings: Settings, url: str) -> str | None:
    given = settings.publish_lookup_url
    if given == NO_LOOKUP:
        return None
    if not given:
        return f"{url}{'&' if urlsplit(url).query else '?'}idempotency_key={{key}}"
    if "{key}" not in given:
        raise SettingsError("TENFOUR_PUBLISH_LOOKUP_URL: has no {key}, which stands for the reply's id; or write none")
    return _address("TENFOUR_PUBLISH_LOOKUP_URL", given)


def _token(settings: Settings) -> str:
    """Raises SettingsError, without quoting it."""
    path = settings.publish_token_file
    if path is None:
        token = settings.publish_token
    elif settings.publish_token:
        raise SettingsError("TENFOUR_PUBLISH_TOKEN and TENFOUR_PUBLISH_TOKEN_FILE are both set; keep one")
    else:
        try:
            token = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"TENFOUR_PUBLISH_TOKEN_FILE: can't read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"TENFOUR_PUBLISH_TOKEN_FILE: {path} is not UTF-8; write the token into it") from None
        if not token:
            raise SettingsError(f"TENFOUR_PUBLISH_TOKEN_FILE: {path} is empty; write the token into it")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("TENFOUR_PUBLISH_TOKEN: is no bearer token: it holds spaces or characters beyond ASCII")
    return token
