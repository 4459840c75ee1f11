"""Kafka's jars: fetched once, pinned by SHA-256, kept in a per-user cache.

The pins name every jar, so a start fetches those and resolves nothing; with all of them in the cache it needs
no network. `python -m streams.broker_jars --fetch` fills the cache ahead of time; `--pin` resolves the tree
anew and rewrites the pins.
"""

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
PINS = Path(__file__).with_name("kafka_jars.sha256")
_ATTEMPTS = 3

Progress = Callable[[str], None]
Download = Callable[[str, Path], Path]


class BrokerError(Exception):
    """The embedded broker can't be fetched, started or stopped; the text says why and what to do."""


@dataclass(frozen=True)
class PinnedJar:
    """One jar: its Maven coordinate `group:artifact:version` and the SHA-256 of its bytes in hex."""

    coordinate: str
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def silent(_: str) -> None:
    """Tell no one: the progress callback of callers who don't care."""


def default_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """TENFOUR_CACHE where it is set, else `~/.cache/tenfour`."""
    return Path(environ.get("TENFOUR_CACHE") or "~/.cache/tenfour").expanduser().absolute()


def read_pins(path: Path = PINS) -> tuple[PinnedJar, ...]:
    """The pinned jars in the order of the class path. Raises BrokerError on a line that is no pin."""
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    for words in lines:
        if len(words) != 2 or len(words[0]) != 64 or words[1].count(":") != 2:
            raise BrokerError(f"{path.name}: not a pin: {' '.join(words)!r}; rewrite the file with --pin")
    return tuple(PinnedJar(coordinate, sha256) for sha256, coordinate in lines)


def download_jar(coordinate: str, into: Path) -> Path:
    """Fetch one jar from Maven Central below the empty folder `into`. Raises whatever the network does."""
    from jgo.maven import MavenContext  # only here, so that a start from the cache loads no HTTP client

    return Path(MavenContext(repo_cache=into, timeout=30).create_dependency(coordinate).artifact.resolve())


def fetch_jars(
    cache: Path,
    pins: Sequence[PinnedJar] | None = None,
    progress: Progress = silent,
    download: Download = download_jar,
) -> list[Path]:
    """The jars in `cache/jars`, in the order of the pins; missing ones are fetched, all are checked.

    Raises BrokerError when one can't be fetched or its SHA-256 is not the pinned one.
    """
    pins = read_pins() if pins is None else pins
    folder = cache / "jars"
    missing = [pin for pin in pins if not (folder / pin.filename).exists()]
    if missing:
        progress(f"fetching Kafka: {len(missing)} of {len(pins)} files, once")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(max_workers=6) as pool:
            list(pool.map(lambda pin: _fetch(pin, folder, download), missing))
            return list(pool.map(lambda pin: _checked(folder / pin.filename, pin), pins))
    except OSError as error:
        raise BrokerError(f"cannot use the cache {cache}: {error}; set TENFOUR_CACHE to another") from error


def _fetch(pin: PinnedJar, folder: Path, download: Download) -> None:
    """Bring one jar into `folder`, whole and verified or not at all."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as staging:
        jar = _checked(_retried(pin.coordinate, Path(staging), download), pin)
        jar.replace(folder / pin.filename)


def _retried(coordinate: str, staging: Path, download: Download) -> Path:
    """Download with a few attempts, each in a folder of its own: a torn file must not pass for whole."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return download(coordinate, staging / str(attempt))
        except Exception as error:
            if attempt == _ATTEMPTS:
                raise BrokerError(
                    f"cannot fetch {coordinate}: the first start needs the network, or a cache filled with "
                    f"`python -m streams.broker_jars --fetch` ({type(error).__name__}: {str(error)[:200]})"
                ) from error
            time.sleep(attempt)
    raise AssertionError("unreachable")


def _checked(jar: Path, pin: PinnedJar) -> Path:
    found = _sha256(jar)
    if found != pin.sha256:
        raise BrokerError(
            f"refused {jar}: its SHA-256 is {found}, but {pin.coordinate} is pinned as {pin.sha256} in "
            f"streams/{PINS.name}; delete the file and start again"
        )
    return jar


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolve_kafka(staging: Path) -> list[str]:
    """The coordinates of Kafka's run-time tree, and of the log binding that its distribution adds to it."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=staging, timeout=30)
    roots, transitive = context.resolver.resolve([context.create_dependency(KAFKA)])
    jars = [*roots, *(jar for jar in transitive if jar.scope in ("compile", "runtime"))]
    binding = next(jar.version for jar in jars if jar.artifactId == "log4j-core")
    found = [f"{jar.groupId}:{jar.artifactId}:{jar.version}" for jar in jars]
    return [*found, f"org.apache.logging.log4j:log4j-slf4j-impl:{binding}"]


def write_pins(path: Path = PINS, progress: Progress = silent) -> None:
    """Resolve Kafka's tree, fetch every jar of it and write its SHA-256 to `path`."""
    with tempfile.TemporaryDirectory() as staging:
        lines = []
        for coordinate in resolve_kafka(Path(staging)):
            progress(coordinate)
            lines.append(f"{_sha256(download_jar(coordinate, Path(staging)))}  {coordinate}\n")
    note = "# The embedded broker's class path. Written by `python -m streams.broker_jars --pin`.\n"
    path.write_text(note + "".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m streams.broker_jars", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--fetch", action="store_true", help="fill the cache")
    what.add_argument("--pin", action="store_true", help=f"resolve {KAFKA} and rewrite {PINS.name}")
    if parser.parse_args().pin:
        write_pins(progress=print)
    else:
        fetch_jars(default_cache(), progress=print)


if __name__ == "__main__":
    try:
        main()
    except BrokerError as error:
        raise SystemExit(str(error)) from None
