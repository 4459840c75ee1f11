"""`tenfour doctor`: what is wrong with this installation, and what mends it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from console.write_rows import Partition
from streams.broker_jars import BrokerError
from streams.settings import Settings, SettingsError, load_settings
from tenfour import doctor_kafka, doctor_machine
from tenfour.doctor_rules import Finding, refused, skipped
from tenfour.kafka import with_kafka
from tenfour.printing import print_json, print_table, remark

LAG_LIMIT: Final = 10_000
STYLES: Final = {"ok": "green", "warning": "yellow", "fault": "bold red", "skipped": "dim"}

app = typer.Typer()


@app.command()
def doctor(
    lag: Annotated[int, typer.Option(min=0, help="Records behind above which a stage is a warning.")] = LAG_LIMIT,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check settings, files, database, Kafka, stages and clocks, and tell what mends it. On a fault: exit status 1."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    findings = check_all(lag)
    if json:
        healthy = all(finding.outcome in ("ok", "skipped") for finding in findings)
        print_json({"healthy": healthy, "findings": [vars(finding) for finding in findings]})
    else:
        _show(findings)
    if any(finding.outcome == "fault" for finding in findings):
        raise typer.Exit(1)


def check_all(lag_limit: int) -> list[Finding]:
    """Every check, in the order in which they are shown."""
    try:
        settings = load_settings()
    except SettingsError as error:
        found = refused("settings", str(error), "correct it; `tenfour settings` lists all")
        later = (*doctor_machine.CHECKS, "broker", *doctor_kafka.CHECKS)
        return [found, *skipped(later, "the settings can't be used")]
    database, read_to = doctor_machine.check_database(settings.database)
    return [
        Finding("settings", "ok", "every one is known and possible"),
        *doctor_machine.check_files(settings),
        *doctor_machine.check_ports(settings),
        *database,
        *_check_kafka(settings, read_to, lag_limit),
    ]


def _check_kafka(settings: Settings, read_to: Mapping[Partition, int] | None, lag_limit: int) -> list[Finding]:
    try:
        settings = with_kafka(settings)
    except (BrokerError, SettingsError) as error:
        found = refused("broker", str(error), "start it, or correct KAFKA_BOOTSTRAP")
        return [found, *skipped(doctor_kafka.CHECKS, "no broker answers")]
    return asyncio.run(doctor_kafka.check_kafka(settings, read_to, lag_limit))


def _show(findings: Sequence[Finding]) -> None:
    rows = [[finding.check, finding.outcome, finding.what, finding.mend] for finding in findings]
    print_table(["check", "outcome", "found", "mend"], rows, STYLES)
    counts = Counter[str](finding.outcome for finding in findings)
    told = [f"{counts[outcome]} {outcome}" for outcome in STYLES if counts[outcome]]
    remark(", ".join(told))
