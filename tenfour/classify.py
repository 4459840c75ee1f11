"""`tenfour classify`: what are these texts?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from agents.classify_texts import new_text_classifier
from streams.settings import Settings, load_settings
from tenfour.classified_texts import write_classified
from tenfour.printing import progress_bar, remark
from tenfour.text_records import InputError, ReadRecord, read_texts

app = typer.Typer()
STANDARD_INPUT: Final = Path("-")
THREADS: Final = min(4, os.cpu_count() or 1)
"""Of the model: nothing else runs here."""
LINES_UNREADABLE: Final = 1
INPUT_UNUSABLE: Final = 2


@app.command()
def classify(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines (.jsonl, .ndjson, .json), .csv with a column text, or .txt; - is standard input."
        ),
    ] = STANDARD_INPUT,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the labels' probabilities and the rules that had a say.")
    ] = False,
    model: Annotated[
        Path | None, typer.Option(help="Folder of the classifier's artefact. Default: TENFOUR_MODEL.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Default: TENFOUR_POLICY.")] = None,
) -> None:
    """Say of texts in a file what they are, without Kafka: one JSON object a record on stdout.

    Without a known ending the first line tells the format. A line that can't be read gives an object with `line` and
    `error`, and the exit status is then 1; it is 2 where the file as a whole can't be read.
    """
    settings = load_settings()
    settings = settings.model_copy(update={"model": model or settings.model, "policy": policy or settings.policy})
    with _opened(file) as stream:
        unreadable = _classify(_records(stream, file), _named(file), settings, explain)
    if unreadable:
        remark(f"tenfour: {_named(file)}: records that can't be read: {unreadable}; each is told in its place")
        raise typer.Exit(LINES_UNREADABLE)


def _classify(records: Iterator[ReadRecord], name: str, settings: Settings, explain: bool) -> int:
    """The number of unreadable lines. A reader of stdout that goes away ends the work quietly."""
    classifier = new_text_classifier(settings, threads=THREADS)
    try:
        with progress_bar(name, shown=not sys.stdout.isatty()) as bar:
            return write_classified(
                records, classifier, sys.stdout.buffer, explain=explain, progress=lambda done: bar(done, None)
            )
    except BrokenPipeError:
        # What is still buffered would fail once more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise _unusable(file, str(error.strerror)) from None
    with stream:
        yield stream


def _records(stream: BinaryIO, file: Path) -> Iterator[ReadRecord]:
    try:
        return read_texts(stream, file.name)
    except InputError as error:
        raise _unusable(file, str(error)) from None


def _unusable(file: Path, what: str) -> typer.Exit:
    remark(f"tenfour: {_named(file)}: {what}")
    return typer.Exit(INPUT_UNUSABLE)


def _named(file: Path) -> str:
    return "standard input" if file == STANDARD_INPUT else str(file)
