"""What the figures were measured on and with."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from streams.broker_jars import KAFKA

PACKAGES = (
    "faust-streaming", "aiokafka", "uvloop", "pydantic", "onnxruntime", "tokenizers", "quixstreams", "confluent-kafka",
)  # fmt: skip


def machine() -> list[str]:
    """Lines that name processor, memory, system, Python, Kafka and libraries."""
    memory = psutil.virtual_memory().total / 2**30
    return [
        f"{os.cpu_count()} cores, {_processor()}, {memory:.0f} GiB; broker, feeder and watcher share them",
        f"{platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}",
        f"Kafka {KAFKA.rpartition(':')[2]}, one embedded node",
        ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    ]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
