"""Train the classifier: `python -m models.train_mentions --help`.

One encoder learns two things at once: sentiment from TweetEval, and mention types from our own labels.
"""

import argparse
import sys
from pathlib import Path
from typing import Final, NamedTuple

import torch

from models.brand_mentions import read_brand_mentions
from models.fitting import Example, Say, Target, fit
from models.held_out import HeldOut, read_held_out
from models.manifest import TrainingSettings
from models.mention_network import PAD, EncoderError, MentionNetwork, encoder_folder
from models.own_labels import LABELS_FILE, Label, LabelledMention, Split, read_labels, split_labelled
from models.publish_mentions import PublishError, publish
from models.text import LABELS, TYPES, prepare
from models.token_batches import tokenise
from models.tweeteval import DataError, LabelledTexts, read_split

ALSO_SHARE: Final = 0.35
"""Of the probability, what a second accepted type gets."""


class Corpus(NamedTuple):
    """What is learnt from: TweetEval's training split, and our labelled mentions by split."""

    sentiment: LabelledTexts
    mentions: dict[Split, list[LabelledMention]]


def read_corpus(data: Path, held_out: HeldOut) -> Corpus:
    """Everything but the texts kept for a final check. Raises DataError or OSError."""
    train = read_split(data, "train")
    kept = [pair for pair in zip(train.texts, train.labels, strict=True) if not held_out.holds(pair[0])]
    mentions = split_labelled(read_brand_mentions(data, held_out), read_labels(LABELS_FILE))
    return Corpus(LabelledTexts([text for text, _ in kept], [label for _, label in kept]), mentions)


def train(corpus: Corpus, settings: TrainingSettings, say: Say) -> MentionNetwork:
    """MiniLM with both heads, fitted. Raises EncoderError."""
    folder = encoder_folder()
    tokenizer = folder / "tokenizer.json"
    ids = tokenise(corpus.sentiment.texts, tokenizer, settings.max_tokens)
    sentiment = [
        Example(row, _sentiment_target(label, settings.label_smoothing), None)
        for row, label in zip(ids, corpus.sentiment.labels, strict=True)
    ]
    labelled = corpus.mentions["train"]
    ids = tokenise([prepare(found.mention.text) for found in labelled], tokenizer, settings.max_tokens)
    types = [
        Example(row, None, _type_target(found.label, settings.label_smoothing))
        for row, found in zip(ids, labelled, strict=True)
    ]
    network = MentionNetwork(folder)
    fit(network, sentiment * settings.sentiment_passes + types * settings.type_passes, settings, PAD, say)
    return network


def _sentiment_target(label: int, smoothing: float) -> Target:
    return _smoothed([float(number == label) for number in range(len(LABELS))], smoothing)


def _type_target(label: Label, smoothing: float) -> Target:
    shares = [0.0] * len(TYPES)
    shares[label.type] = 1.0 if label.also is None else 1.0 - ALSO_SHARE
    if label.also is not None:
        shares[label.also] += ALSO_SHARE
    return _smoothed(shares, smoothing)


def _smoothed(shares: list[float], by: float) -> Target:
    return [share * (1 - by) + by / len(shares) for share in shares]


def main() -> int:
    """Train, publish and print the evaluation; exit code 2 when data or encoder cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--held-out", type=Path, help="keys of texts to use for nothing; else held_out.txt beside DIR")
    parser.add_argument("--out", type=Path, default=Path("models/mentions"), help="the model folder to write")
    parser.add_argument("--work", type=Path, default=Path("build/mentions"), help="where weights are kept between runs")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    keys = options.held_out or options.data.parent / "held_out.txt"
    try:
        held_out = read_held_out(keys, options.data) if keys.is_file() else HeldOut(frozenset(), frozenset())
        _run(options.data, held_out, options.work, options.out)
    except (DataError, EncoderError, PublishError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _run(data: Path, held_out: HeldOut, work: Path, out: Path) -> None:
    """Trains, or takes the weights that an earlier run left in `work`, and publishes."""
    settings, corpus, weights = TrainingSettings(), read_corpus(data, held_out), work / "network.pt"
    _say(f"{len(corpus.sentiment.labels)} sentiment labels, {len(corpus.mentions['train'])} type labels")
    if not weights.is_file():
        torch.save(train(corpus, settings, _say).state_dict(), weights)
    publish(data, corpus.mentions, weights, out, work, settings, _say)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
