"""What the figures were measured on and with."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from streams.broker_jars import KAFKA

PACKAGES = (
    "faust-streaming", "aiokafka", "uvloop", "pydantic", "onnxruntime", "tokenizers", "quixstreams", "confluent-kafka",
)  # fmt: skip

LOOP_STEPS = 10_000_000
_INT8_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8"}


def machine() -> list[str]:
    """Lines that name processor, memory, system, Python, Kafka and libraries."""
    memory = psutil.virtual_memory().total / 2**30
    return [
        f"{os.cpu_count()} cores, {_processor()}, {memory:.0f} GiB; broker, feeder and watcher share them",
        f"{platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}",
        f"Kafka {KAFKA.rpartition(':')[2]}, one embedded node",
        ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    ]


def pace() -> str:
    """A note for one section: machines of one name differ, and a shared one differs from hour to hour."""
    began = time.perf_counter()
    total = 0
    for number in range(LOOP_STEPS):
        total += number
    seconds = time.perf_counter() - began
    products = "with" if _INT8_PRODUCTS & set(_cpuinfo("flags").split()) else "without"
    return (
        f"Pace of the machine: {_processor()}, {products} int8 products in hardware (VNNI), "
        f"{LOOP_STEPS:,} steps of a Python loop in {seconds:.2f} s."
    )


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(name: str) -> str:
    """The first processor's value, empty where the system does not say."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
