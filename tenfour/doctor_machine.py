"""Looks at files, ports and the database for `tenfour doctor`. Nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from console.database import DatabaseError, open_database, reachable
from console.migrate import require_newest
from console.tokens import has_tokens
from console.write_rows import Partition, all_positions
from domain.business_time import elapsed
from domain.policy import Policy, PolicyError
from gateway.notify_channels import ChannelsError, read_channels
from gateway.reply_channel import ReplyChannel
from models.manifest import ModelError, load_manifest
from streams.http_serving import listen
from streams.listening import ServingError
from streams.settings import Settings, SettingsError
from tenfour.doctor_rules import (
    OPENS_WITHIN,
    Finding,
    judge_calendars,
    judge_channels,
    judge_equal_ports,
    judge_tokens,
    refused,
    skipped,
)
from tenfour.policy_file import read_policy

CONNECT_S: Final = 5
ASK_S: Final = 2.0
CHECKS: Final = ("policy", "calendars", "model", "publishing", "notifying", "ports", "database", "tokens")
"""What can't be checked without settings."""
DATABASE_CHECKS: Final = ("tokens",)


def check_files(settings: Settings) -> list[Finding]:
    """Policy, calendars, models, and what the settings for publishing and notifying name."""
    policy, findings = _policy(settings.policy)
    models = [("model", settings.model, "TENFOUR_MODEL")]
    if settings.second_model is not None:
        models.append(("second model", settings.second_model, "TENFOUR_SECOND_MODEL"))
    findings += [_model(*model) for model in models]
    return [*findings, _publishing(settings), _notifying(settings, policy)]


def _policy(path: Path) -> tuple[Policy | None, list[Finding]]:
    try:
        policy = read_policy(path)
    except OSError as error:
        what = f"can't read {path}: {error.strerror}"
        found = Finding("policy", "fault", what, "run in the folder that holds it, or set TENFOUR_POLICY")
    except PolicyError as error:
        found = refused("policy", str(error), "`tenfour policy check` shows every mistake")
    else:
        return policy, [Finding("policy", "ok", f"{path}: valid, version {policy.version}"), _calendars(policy)]
    return None, [found, *skipped(["calendars"], "the policy can't be used")]


def _calendars(policy: Policy) -> Finding:
    now = datetime.now(UTC)
    opens = {name: bool(elapsed(found, now, now + OPENS_WITHIN)) for name, found in policy.calendars.items()}
    return judge_calendars(opens)


def _model(check: str, folder: Path, variable: str) -> Finding:
    try:
        manifest = load_manifest(folder)
    except (ModelError, OSError) as error:
        return refused(check, str(error), f"restore the folder, or set {variable}")
    return Finding(check, "ok", f"{folder}: {manifest.model_version}, every file as published")


def _publishing(settings: Settings) -> Finding:
    if not settings.publish_url:
        return Finding("publishing", "ok", "TENFOUR_PUBLISH_URL is not set: nothing is published")
    try:
        channel = ReplyChannel(settings, time.time)
    except SettingsError as error:
        return refused("publishing", str(error), "correct it; docs/publishing.md says how")
    asyncio.run(channel.close())
    return Finding("publishing", "ok", "the settings of the channel can be used")


def _notifying(settings: Settings, policy: Policy | None) -> Finding:
    file = settings.notify_channels
    if file is None:
        return Finding("notifying", "ok", "TENFOUR_NOTIFY_CHANNELS is not set: nobody is told of escalations")
    try:
        known = read_channels(file).names
    except OSError as error:
        what = f"can't read {file}: {error.strerror}"
        return Finding("notifying", "fault", what, "make it readable, or set TENFOUR_NOTIFY_CHANNELS")
    except ChannelsError as error:
        return refused("notifying", str(error), "correct the file; docs/publishing.md says how")
    named = [step.channel for path in policy.escalations for step in path.steps] if policy else []
    return judge_channels(named, known, str(file))


def check_ports(settings: Settings) -> list[Finding]:
    """Whether each server's port is free, or its server has it already."""
    servers = {
        "GATEWAY": (settings.gateway_host, settings.gateway_port),
        "CONSOLE": (settings.console_host, settings.console_port),
        "METRICS": (settings.metrics_host, settings.metrics_port),
    }
    clashing = judge_equal_ports({f"TENFOUR_{name}_PORT": port for name, (_, port) in servers.items()})
    taken = [found for name, (host, port) in servers.items() if port and (found := _port(name, host, port))]
    return [*clashing, *taken] or [Finding("ports", "ok", "each is free, or its server has it")]


def _port(name: str, host: str, port: int) -> Finding | None:
    try:
        listen(host, port, name).close()
    except ServingError as error:
        return None if _is_ours(name, host, port) else refused("ports", str(error), f"set TENFOUR_{name}_PORT")
    return None


def _is_ours(name: str, host: str, port: int) -> bool:
    """Whether a process of this product answers there. One that listens on every address does on this machine's own."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    address = f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"
    path, told = ("/metrics", "tenfour_") if name == "METRICS" else ("/openapi.json", '"Tenfour ')
    try:
        return told in httpx.get(address + path, timeout=ASK_S).text
    except httpx.HTTPError:
        return False


def check_database(url: str) -> tuple[list[Finding], Mapping[Partition, int] | None]:
    """With the offsets up to which it has read the log, None where it can't be read."""
    missing = _missing_file(url)
    if missing is not None:
        found = Finding("database", "fault", f"there is no file {missing}", "`tenfour database upgrade` makes it")
        return [found, *skipped(DATABASE_CHECKS, "there is no database")], None
    try:
        engine = open_database(_soon(url))
        require_newest(engine)
        with reachable(engine), engine.connect() as connection:
            tokens, read_to = has_tokens(connection), all_positions(connection)
        engine.dispose()
    except DatabaseError as error:
        found = refused("database", str(error), "start it, or correct TENFOUR_DATABASE")
        return [found, *skipped(DATABASE_CHECKS, "the database can't be used")], None
    return [Finding("database", "ok", "reachable, with the tables of this release"), judge_tokens(tokens)], read_to


def _missing_file(url: str) -> Path | None:
    """SQLite's file, where there is none: to connect would make it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    file = Path(parsed.database or "")
    return file if parsed.get_backend_name() == "sqlite" and parsed.database and not file.exists() else None


def _soon(url: str) -> str:
    """PostgreSQL's client waits for ever otherwise."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url
    if not parsed.drivername.startswith("postgres") or "connect_timeout" in parsed.query:
        return url
    return parsed.update_query_dict({"connect_timeout": str(CONNECT_S)}).render_as_string(hide_password=False)
