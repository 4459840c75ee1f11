"""Real public posts to and about brands, from the folder of data sets, without those kept for a final check.

A conversation that holds a kept text, or nearly one (handles, links, case and punctuation aside), is left out whole.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.held_out import HeldOut, essence, key_of

LONGEST_CELL: Final = 2**27

_HANDLE: Final = re.compile(r"@(\w+)")
_SUPPORT_WORDS: Final = re.compile(r"support|helps?$|cares?$|^ask|tweets$|service|^the|_|\W")


@dataclass(frozen=True)
class BrandMention:
    """One post of a customer. `brand` is a short name in lower case; `author` is unknown in some sets and then unique
    to the post or the conversation."""

    source: str
    brand: str
    author: str
    text: str

    @property
    def key(self) -> str:
        """What stands for the text in a file of labels: see `models.held_out.key_of`."""
        return key_of(self.text)


def read_brand_mentions(data: Path, held_out: HeldOut) -> list[BrandMention]:
    """Every distinct post of the seven sets about brands, in the sets' order. Raises OSError for a missing file."""
    usual = csv.field_size_limit(LONGEST_CELL)  # of the whole process
    try:
        return _distinct(data, held_out)
    finally:
        csv.field_size_limit(usual)


def _distinct(data: Path, held_out: HeldOut) -> list[BrandMention]:
    sources = (
        _customer_support(data, held_out),
        _airline_conversations(data, held_out),
        _ibm_care(data, held_out),
        *(_single(held_out, posts) for posts in _single_posts(data)),
    )
    found: dict[str, BrandMention] = {}
    for posts in sources:
        for post in posts:
            found.setdefault(essence(post.text), post)
    found.pop("", None)
    return list(found.values())


def short_brand(name: str) -> str:
    """`AmazonHelp` and `amazon` are one brand: the name in lower case without words such as support."""
    return _SUPPORT_WORDS.sub("", name.lower()) or name.lower()


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {name: value or "" for name, value in row.items() if isinstance(name, str)}


def _customer_support(data: Path, held_out: HeldOut) -> Iterator[BrandMention]:
    folder = data / "customer_support_twitter"
    tweets = [row for row in _rows(folder / "twcs_merged.csv") if row["text"]]
    pairs = [row for row in _rows(folder / "twcs_reply_pairs.csv") if row["inbound_text"]]
    threads = _Threads()
    for row in tweets:
        threads.join(row["tweet_id"], [*row["response_tweet_id"].split(","), row["in_response_to_tweet_id"]])
    kept = {threads.of(row["tweet_id"]) for row in tweets if held_out.holds(row["text"])}
    kept |= {threads.of(row["inbound_id"]) for row in pairs if _holds(held_out, row["inbound_text"], row["reply_text"])}
    brands = {threads.of(row["tweet_id"]): row["author_id"] for row in tweets if row["inbound"] != "True"}
    for row in tweets:
        thread = threads.of(row["tweet_id"])
        if row["inbound"] == "True" and thread not in kept:
            brand = brands.get(thread) or _first_brand(row["text"])
            yield BrandMention("twcs", short_brand(brand), f"twcs:{row['author_id']}", row["text"])
    for row in pairs:
        if threads.of(row["inbound_id"]) not in kept:
            author = f"twcs:post {row['inbound_id']}"
            yield BrandMention("twcs", short_brand(row["brand"]), author, row["inbound_text"])


class _Threads:
    """Posts joined by their replies: the disjoint sets of all that answers each other."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def join(self, post: str, others: Iterable[str]) -> None:
        for other in others:
            if name := other.strip().split(".")[0]:
                self._parent[self.of(post)] = self.of(name)

    def of(self, post: str) -> str:
        while self._parent.setdefault(post, post) != post:
            self._parent[post] = self._parent[self._parent[post]]
            post = self._parent[post]
        return post


def _airline_conversations(data: Path, held_out: HeldOut) -> Iterator[BrandMention]:
    for row in _rows(data / "customer_support_twitter" / "airlines_raw.csv"):
        first = _without_marks(row["first_utterance"])
        later = [_without_marks(turn) for turn in re.split(r"(?=<cust__|<rep__)", row["context"]) if turn.strip()]
        if not _holds(held_out, first, *later):
            yield BrandMention("airlines", "airline", f"airlines:{row['first_tweet_id']}", first)


def _without_marks(turn: str) -> str:
    plain = re.sub(r"<(?:cust|rep)__|__(?:cust|rep)>", "", turn)
    return " ".join(plain.replace("__company__", "@company").replace("__cust__", "@user").split())


def _ibm_care(data: Path, held_out: HeldOut) -> Iterator[BrandMention]:
    conversations: dict[str, list[dict[str, str]]] = {}
    for row in _rows(data / "ibm_twitter_care" / "turns.csv"):
        conversations.setdefault(f"{row['split']}-{row['conv']}", []).append(row)
    for name, turns in conversations.items():
        if not _holds(held_out, *(turn["text"] for turn in turns)):
            for turn in turns:
                if turn["role"] == "client":
                    yield BrandMention("ibm", short_brand(turn["brand"]), f"ibm:{name}", turn["text"])


def _single_posts(data: Path) -> Iterator[Iterator[BrandMention]]:
    yield _airline_sentiment(data)
    yield (
        BrandMention("sanders", short_brand(row["Topic"]), f"sanders:{row['TweetId']}", row["TweetText"])
        for row in _rows(data / "sanders_brands" / "full-corpus.csv")
    )
    yield _sxsw(data)
    yield (
        BrandMention("xci", short_brand(_first_brand(row["tweet"])), f"xci:{row['id']}", row["tweet"])
        for row in _rows(data / "complaints_xci_acl23" / "X-CI Dataset.csv")
    )
    yield _entities(data)


def _airline_sentiment(data: Path) -> Iterator[BrandMention]:
    for row in _rows(data / "airline_sentiment" / "Tweets.csv"):
        author = f"airline_sentiment:{row['author']}"
        yield BrandMention("airline_sentiment", short_brand(row["airline"]), author, row["text"])


def _sxsw(data: Path) -> Iterator[BrandMention]:
    file = data / "brand_emotion_sxsw" / "judge-1377884607_tweet_product_company.utf8.csv"
    for number, row in enumerate(_rows(file)):
        brand = "google" if re.search("google|android", row["tweet_text"], re.IGNORECASE) else "apple"
        yield BrandMention("sxsw", brand, f"sxsw:{number}", row["tweet_text"])


def _entities(data: Path) -> Iterator[BrandMention]:
    """One text an id: the others are paraphrases by machine."""
    for name in ("twitter_training.csv", "twitter_validation.csv"):
        with (data / "twitter_entity_sentiment" / name).open(encoding="utf-8", newline="") as lines:
            first = {row[0]: row for row in reversed(list(csv.reader(lines)))}
        for number, brand, _, text in first.values():
            yield BrandMention("entity", short_brand(brand), f"entity:{number}", text)


def _single(held_out: HeldOut, posts: Iterator[BrandMention]) -> Iterator[BrandMention]:
    return (post for post in posts if post.text.strip() and not held_out.holds(post.text))


def _holds(held_out: HeldOut, *texts: str) -> bool:
    return any(held_out.holds(text) for text in texts)


def _first_brand(text: str) -> str:
    """The first handle that is a name; customers' handles are numbers in these sets."""
    return next((handle for handle in _HANDLE.findall(text) if not handle.isdigit()), "unknown")
