"""The types that people gave to mentions, joined with the texts, as `models/labels` writes its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple, TextIO

from models.held_out import key_of
from schemas.codecs import UndecodableRecord, decode
from schemas.desk_events import ConversationChanged
from schemas.records import ClassifiedMention, MentionType, RoutedMention

CHOSEN: Final = "chosen"
"""People label what the model doubts, or what they find wrong: no fair sample."""


class LabelledText(NamedTuple):
    """A label as it is exported; the first four are the columns of `models/labels/labels.csv`."""

    key: str
    type: MentionType
    also: str
    drawn: str
    mention: str
    labelled_at: str
    text: str


class _Given(NamedTuple):
    conversation: bytes
    type: MentionType
    at: datetime


class GivenLabels:
    """The last label of each mention, and the texts of those mentions alone."""

    def __init__(self) -> None:
        self._labels: dict[str, _Given] = {}
        self._conversations: set[bytes] = set()
        self._texts: dict[str, str] = {}

    def take_change(self, change: ConversationChanged, since: datetime | None = None) -> None:
        """In the order of the log."""
        if change.label is None or (since is not None and change.at < since):
            return
        conversation = change.conversation.encode()
        self._labels[change.label.mention] = _Given(conversation, change.label.type, change.at)
        self._conversations.add(conversation)

    def take_text(self, key: bytes | None, value: bytes | None) -> None:
        """A record that may hold the text of a labelled mention; decoded only if its conversation has a label."""
        if key not in self._conversations:
            return
        try:
            found = decode(value)
        except UndecodableRecord:
            return
        if isinstance(found, ClassifiedMention | RoutedMention) and found.mention.id in self._labels:
            self._texts[found.mention.id] = found.mention.text

    def labelled(self) -> list[LabelledText]:
        """Those with a text, in the order in which they were given first."""
        return [
            LabelledText(key_of(text), given.type, "", CHOSEN, mention, given.at.isoformat(), text)
            for mention, given in self._labels.items()
            if (text := self._texts.get(mention, "").strip())
        ]

    @property
    def without_text(self) -> int:
        return len(self._labels) - len(self.labelled())


def write_labels(labels: Sequence[LabelledText], out: TextIO, format_: Literal["jsonl", "csv"], *, texts: bool) -> None:
    """Columns or keys are the fields of `LabelledText`, the text only if it is asked for."""
    names = LabelledText._fields if texts else LabelledText._fields[:-1]
    rows = [label[: len(names)] for label in labels]
    if format_ == "csv":
        csv.writer(out, lineterminator="\n").writerows([names, *rows])
        return
    for row in rows:
        print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False), file=out)
