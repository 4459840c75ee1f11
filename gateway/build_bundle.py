"""Builds the demo data: `python -m gateway.build_bundle --data DIR --held-out FILE [--to FILE]`.

DIR holds the data sets, a folder each, with `ibm_twitter_care/turns.csv` among them; FILE lists the keys of
the texts that are kept for a final check. `bundle/SOURCE.md` says what the source is and what is changed.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from models.held_out import HeldOut, read_held_out

BUNDLE: Final = Path(__file__).parent / "bundle" / "mentions.jsonl"
SOURCE: Final = Path("ibm_twitter_care") / "turns.csv"
LONGEST_CELL: Final = 2**27

_LINK: Final = re.compile(r"https?: ?//\S+", re.IGNORECASE)
_STATED_NAME: Final = re.compile(r"(?i:\b(my name is|account name:|gamertag:)) ?\S+(?: [A-Z]\w+)?")
_GREETED_NAME: Final = re.compile(
    r"^((?:@\w+ )+)(Hi|Hello|Hey|Thanks)(,? )(?!There|Welcome|If|When|You|Unfortunately)[A-Z]\w+(?=[.,!:? ])"
)


@dataclass(frozen=True)
class Turn:
    """One post of a conversation in the source."""

    thread: str
    by_customer: bool
    brand: str
    posted_at: str
    post: str
    text: str


def read_turns(source: Path) -> list[Turn]:
    """The turns of all conversations, in the order of the file."""
    with source.open(encoding="utf-8", newline="") as lines:
        return [_turn(row) for row in csv.DictReader(lines)]


def kept_conversations(turns: Iterable[Turn], held_out: HeldOut) -> Iterator[list[Turn]]:
    """The conversations without a held-out text, an empty text, or a post of an earlier conversation."""
    seen: set[str] = set()
    for _, grouped in groupby(turns, key=attrgetter("thread")):
        conversation = list(grouped)
        posts = {turn.post for turn in conversation}
        if not (seen & posts or any(not t.text.strip() or held_out.holds(t.text) for t in conversation)):
            seen |= posts
            yield conversation


def bundle_lines(conversations: Iterable[list[Turn]]) -> list[str]:
    """The bundle: a JSON line a post, in the order of the posted times."""
    turns = [turn for conversation in conversations for turn in conversation]
    return [_line(turn) for turn in sorted(turns, key=attrgetter("posted_at"))]


def masked(turn: Turn) -> str:
    """The text without what could lead to a customer: the links they posted and the names that were used."""
    if not turn.by_customer:
        return _GREETED_NAME.sub(r"\1\2\3[name]", turn.text)
    return _STATED_NAME.sub(r"\1 [name]", _LINK.sub("link", turn.text))


def _turn(row: dict[str, str]) -> Turn:
    return Turn(
        thread=f"{row['split']}-{row['conv']}",
        by_customer=row["role"] == "client",
        brand=row["brand"],
        posted_at=row["datetime"].replace(".000Z", "Z"),
        post=row["tweet_id"],
        text=row["text"],
    )


def _line(turn: Turn) -> str:
    fields = {
        "record": "mention" if turn.by_customer else "public_reply",
        "brand": turn.brand,
        "channel": "twitter",
        "thread": turn.thread,
        "post": turn.post,
        "author": "@user" if turn.by_customer else f"@{turn.brand}",
        "text": masked(turn),
        "posted_at": turn.posted_at,
    }
    return json.dumps(fields, ensure_ascii=False)


def main(arguments: Sequence[str]) -> int:
    """Writes the bundle and says on stderr what it holds. Exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m gateway.build_bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--held-out", type=Path, required=True, help="keys of the texts to leave out")
    parser.add_argument("--to", type=Path, default=BUNDLE, help="file to write")
    options = parser.parse_args(arguments)
    if missing := [path for path in (options.data / SOURCE, options.held_out) if not path.is_file()]:
        parser.error(f"no such file: {missing[0]}")
    usual = csv.field_size_limit(LONGEST_CELL)  # of the whole process
    try:
        _build(options.data, options.held_out, options.to)
    finally:
        csv.field_size_limit(usual)
    return 0


def _build(data: Path, keys_file: Path, to: Path) -> None:
    turns = read_turns(data / SOURCE)
    conversations = list(kept_conversations(turns, read_held_out(keys_file, data)))
    to.write_text("".join(line + "\n" for line in bundle_lines(conversations)), "utf-8")
    kept = [turn for conversation in conversations for turn in conversation]
    mentions = sum(turn.by_customer for turn in kept)
    counts = f"{mentions} mentions and {len(kept) - mentions} replies in {len(conversations)} conversations"
    print(f"{to}: {counts}, of {len({turn.thread for turn in turns})}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
