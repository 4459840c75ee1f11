"""Fails when a private member of Faust or aiokafka that the transport leans on changes, or when others lean on one."""

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.app.base import App
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.base import Transport
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.consumer import ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from mode.services import Service
from mode.threads import QueueServiceThread

from streams.faust_internals import BatchConsumer, BatchThread, BatchTransport, NoTables, StageApp
from tests.source_files import ROOT, imported, source_files, tree

OURS = (BatchThread, BatchConsumer, BatchTransport, NoTables, StageApp)
INTERNALS = Path("streams/faust_internals.py")
THIS = Path("tests/streams/test_faust_internals.py")
LIBRARIES = ("faust", "aiokafka", "mode")

# What is overridden, called or awaited there: the class that has it, and its parameters
METHODS: dict[tuple[type, str], str] = {
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer"): "(self, transport)",
    (driver.AIOKafkaConsumerThread, "_ensure_consumer"): "(self)",
    (driver.AIOKafkaConsumerThread, "_fetch_records"): (
        "async (self, consumer, active_partitions, timeout=None, max_records=None)"
    ),
    (driver.AIOKafkaConsumerThread, "on_start"): "async (self)",
    (driver.AIOKafkaConsumerThread, "on_thread_stop"): "async (self)",
    (Fetcher, "_proc_fetch_request"): "async (self, assignment, node_id, request)",
    (QueueServiceThread, "call_thread"): "async (self, fun, *args, **kwargs)",
    (QueueServiceThread, "on_crash"): "(self, msg, *fmt, **kwargs)",
    (driver.Consumer, "_new_consumer_thread"): "(self)",
    (driver.Consumer, "_drain_messages"): "async (self, fetcher)",
    (driver.Consumer, "_getmany"): "async (self, active_partitions, timeout)",
    (driver.Consumer, "perform_seek"): "async (self)",
    (driver.Consumer, "on_partitions_revoked"): "async (self, revoked)",
    (driver.Consumer, "wait_empty"): "async (self)",
    (driver.Consumer, "assignment"): "(self)",
    (driver.Consumer, "highwater"): "(self, tp)",
    (driver.Consumer, "wait"): "async (self, *coros, timeout=None)",
    (driver.Consumer, "track_message"): "(self, message)",
    (driver.Consumer, "ack"): "(self, message)",
    (driver.Consumer, "force_commit"): "async (self, topics=None, start_new_transaction=True)",
    (driver.Consumer, "_filter_tps_with_pending_acks"): "(self, topics=None)",
    (driver.Consumer, "_new_offset"): "(self, tp)",
    (driver.Consumer, "_should_commit"): "(self, tp, offset)",
    (driver.Consumer, "_commit_offsets"): "async (self, offsets, start_new_transaction=True)",
    (driver.Consumer, "_commit"): "async (self, offsets)",
    (driver.Consumer, "verify_event_path"): "(self, now, tp)",
    (TableManager, "on_start"): "async (self)",
    (TableManager, "_update_channels"): "async (self)",
    (App, "_crash"): "(self, reason)",
    (App, "_create_directories"): "(self)",
    (App, "_new_transport"): "(self)",
    (App, "_on_rebalance_when_stopped"): "(self)",
    (GroupCoordinator, "check_errors"): "(self)",
    (SubscriptionState, "fetch_context"): "(self)",
    (aiokafka.AIOKafkaConsumer, "committed"): "async (self, partition)",
    (aiokafka.AIOKafkaConsumer, "seek"): "(self, partition, offset)",
    (aiokafka.AIOKafkaConsumer, "seek_to_beginning"): "async (self, *partitions)",
}

# Private attributes that are read or set there, and where the libraries use them
ATTRIBUTES: dict[str, tuple[Callable[..., Any], str]] = {
    "Consumer": (Transport.create_consumer, "self.Consumer("),
    "_isolation_level": (aiokafka.AIOKafkaConsumer.start, "isolation_level=self._isolation_level,"),
    "_fetch_max_wait_ms": (aiokafka.AIOKafkaConsumer.start, "fetch_max_wait_ms=self._fetch_max_wait_ms,"),
    "_coordinator": (aiokafka.AIOKafkaConsumer.start, "self._coordinator = GroupCoordinator("),
    "_subscription": (aiokafka.AIOKafkaConsumer.__init__, "self._subscription = SubscriptionState("),
    "_fetcher": (aiokafka.AIOKafkaConsumer.start, "self._fetcher = Fetcher("),
    "_thread": (ThreadDelegateConsumer.__init__, "self._thread = self._new_consumer_thread()"),
    "_consumer": (App._stop_consumer, "consumer = self._consumer"),
}

# Why an override is there: it goes with what it works around
REASONS: dict[Callable[..., Any], str] = {
    driver.AIOKafkaConsumerThread._create_worker_consumer: 'isolation_level: str = "read_uncommitted"',
    driver.AIOKafkaConsumerThread._fetch_records: "fetcher.fetched_records(",
    FaustConsumer.force_commit: "self._filter_tps_with_pending_acks(topics)",
    FaustConsumer._filter_committable_offsets: "self._new_offset(tp)",
    FaustConsumer._commit_tps: "self._commit_offsets(",
    FaustConsumer.on_stop: "await self.wait_empty()",
    App._consumer_wait_empty: "await consumer.wait_empty()",
    App._on_partitions_revoked: "return self._on_rebalance_when_stopped()",
    App._on_rebalance_when_stopped: "self.consumer.close()",
    Service.crash: "child._crash(reason)",
    TableManager.on_start: "await self.sleep(1.0)",
    Recovery._resume_streams: "consumer.perform_seek()",
    GroupCoordinator._push_error_to_user: "self._pending_exception = exc",
    GroupCoordinator._heartbeat_routine: "await self._maybe_leave_group()",
}


def test_the_installed_libraries_are_the_pinned_ones() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = [name for name in project["dependencies"] if name.startswith(("faust-streaming", "aiokafka"))]
    installed = {name: version(name) for name in ("faust-streaming", "aiokafka")}
    assert sorted(pinned) == sorted(f"{name}=={number}" for name, number in installed.items())


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=lambda value: getattr(value, "__name__", value))
def test_a_method_is_as_the_transport_knows_it(owner: type, name: str) -> None:
    assert shape(getattr(owner, name)) == METHODS[owner, name]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_is_used_as_the_transport_knows_it(name: str) -> None:
    where, use = ATTRIBUTES[name]
    assert use in inspect.getsource(where)


@pytest.mark.parametrize("where", REASONS, ids=lambda where: where.__qualname__)
def test_what_the_transport_works_around_is_still_there(where: Callable[..., Any]) -> None:
    assert REASONS[where] in inspect.getsource(where)


def test_every_private_member_in_use_is_watched_here() -> None:
    watched = {name for _, name in METHODS} | set(ATTRIBUTES)
    own = {name for kind in OURS for name in own_names(kind)}
    assert private_names(INTERNALS) - own - watched == set()


@pytest.mark.parametrize("kind", OURS)
def test_names_of_our_own_mean_nothing_to_faust(kind: type) -> None:
    watched = {name for _, name in METHODS} | set(ATTRIBUTES)
    faust_says = "".join(inspect.getsource(base) for base in kind.__mro__ if base.__module__.startswith(LIBRARIES))
    assert [name for name in own_names(kind) - watched if re.search(rf"\b{name}\b", faust_says)] == []


def test_nobody_else_touches_private_members_of_these_libraries() -> None:
    found = [
        f"{path}:{line} {name}"
        for path in source_files()
        if path not in (INTERNALS, THIS) and any(module.split(".")[0] in LIBRARIES for module in imported(path))
        for line, name in touched(path)
    ]
    assert found == []


def shape(method: Callable[..., Any]) -> str:
    """Its parameters without types."""
    signature = inspect.signature(method)
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    words = str(inspect.Signature(plain))
    return f"async {words}" if inspect.iscoroutinefunction(method) else words


def own_names(kind: type) -> set[str]:
    """Names that the class itself gives to its members, and to those of its instances."""
    nodes = list(ast.walk(ast.parse(inspect.getsource(kind))))
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    return {name for name in stored | defined(nodes) if not name.startswith("__")}


def defined(nodes: list[ast.AST]) -> set[str]:
    """Names in the bodies of classes."""
    members = [member for node in nodes if isinstance(node, ast.ClassDef) for member in node.body]
    methods = {member.name for member in members if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)}
    annotated = {str(_name(member.target)) for member in members if isinstance(member, ast.AnnAssign)}
    plain = {str(_name(member.targets[0])) for member in members if isinstance(member, ast.Assign)}
    return methods | annotated | plain


def private_names(path: Path) -> set[str]:
    """Private attributes and methods that the file names, of whatever."""
    nodes = list(ast.walk(tree(path)))
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return {name for name in read | defined(nodes) if is_private(name)}


def touched(path: Path) -> Iterator[tuple[int, str]]:
    """Private attributes of anything but `self` and `cls`, and private modules or names imported."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and _name(node.value) not in ("self", "cls"):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
            yield from ((node.lineno, name.name) for name in node.names if is_private(name.name))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None
