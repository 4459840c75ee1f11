"""What a network is taught: labels as targets, alone or mixed with what a larger network says of the same texts."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from models.brand_mentions import read_brand_mentions
from models.encoders import Encoder
from models.fitting import Example, Target
from models.held_out import HeldOut
from models.manifest import TeacherSettings, TrainingSettings
from models.own_labels import LABELS_FILE, Label, LabelledMention, Split, read_labels, split_labelled, unlabelled
from models.text import LABELS, TYPES, prepare
from models.token_batches import tokenise
from models.tweeteval import LabelledTexts, read_split

ALSO_SHARE: Final = 0.35
"""Of the probability, what a second accepted type gets."""


class Corpus(NamedTuple):
    """What is learnt from: TweetEval's training split, our labelled mentions by split, and posts without a label."""

    sentiment: LabelledTexts
    mentions: dict[Split, list[LabelledMention]]
    unlabelled: list[str]

    @property
    def labelled(self) -> list[str]:
        """The texts of the training split of mentions, as the model sees them."""
        return [prepare(found.mention.text) for found in self.mentions["train"]]


class Opinion(NamedTuple):
    """A teacher's probabilities for each head of one text."""

    sentiment: Target
    type: Target


class Opinions(NamedTuple):
    """By text, in the order of a corpus: of its sentiment texts, its labelled and its unlabelled mentions."""

    sentiment: list[Opinion]
    labelled: list[Opinion]
    unlabelled: list[Opinion]


def read_corpus(data: Path, held_out: HeldOut, unlabelled_posts: int, seed: int) -> Corpus:
    """Everything but the texts kept for a final check. Raises DataError or OSError."""
    train = read_split(data, "train")
    kept = [pair for pair in zip(train.texts, train.labels, strict=True) if not held_out.holds(pair[0])]
    posts, labels = read_brand_mentions(data, held_out), read_labels(LABELS_FILE)
    others = [prepare(post.text) for post in unlabelled(posts, labels)]
    return Corpus(
        LabelledTexts([text for text, _ in kept], [label for _, label in kept]),
        split_labelled(posts, labels),
        random.Random(seed).sample(others, min(unlabelled_posts, len(others))),
    )


def from_labels(corpus: Corpus, encoder: Encoder, settings: TrainingSettings) -> list[Example]:
    """Each labelled text as an example of its head, so often as the settings say."""
    sentiment = [
        Example(ids, _sentiment_target(label, settings.label_smoothing), None)
        for ids, label in zip(_ids(corpus.sentiment.texts, encoder, settings), corpus.sentiment.labels, strict=True)
    ]
    types = [
        Example(ids, None, _type_target(found.label, settings.label_smoothing))
        for ids, found in zip(_ids(corpus.labelled, encoder, settings), corpus.mentions["train"], strict=True)
    ]
    return sentiment * settings.sentiment_passes + types * settings.type_passes


def for_teacher(
    corpus: Corpus, settings: TrainingSettings, teacher: TeacherSettings
) -> tuple[Corpus, TrainingSettings]:
    """The corpus with the frequent sentiments cut, and the settings of the larger network's one pass over it."""
    order = list(range(len(corpus.sentiment.labels)))
    random.Random(settings.seed).shuffle(order)
    kept: list[int] = []
    for label in range(len(LABELS)):
        kept += [row for row in order if corpus.sentiment.labels[row] == label][: teacher.sentiment_rows_a_class]
    texts, labels = corpus.sentiment
    return corpus._replace(sentiment=LabelledTexts([texts[row] for row in kept], [labels[row] for row in kept])), (
        settings.model_copy(
            update={
                "batch": teacher.batch,
                "learning_rate": teacher.learning_rate,
                "sentiment_passes": 1,
                "type_passes": teacher.type_passes,
            }
        )
    )


def from_teacher(
    corpus: Corpus, opinions: Opinions, encoder: Encoder, settings: TrainingSettings, teacher: TeacherSettings
) -> list[Example]:
    """Labels mixed with the teacher's opinions (distillation: Hinton et al. 2015, arXiv 1503.02531, at temperature 1).

    The teacher's types are learnt on mentions only: TweetEval's texts need not speak to a brand.
    """
    hard, soft = 1.0 - teacher.soft_share, teacher.soft_share
    smoothing = settings.label_smoothing
    sentiment = [
        Example(ids, _mixed(_sentiment_target(label, smoothing), opinion.sentiment, hard, soft), None)
        for ids, label, opinion in zip(
            _ids(corpus.sentiment.texts, encoder, settings), corpus.sentiment.labels, opinions.sentiment, strict=True
        )
    ]
    types = [
        Example(ids, opinion.sentiment, _mixed(_type_target(found.label, smoothing), opinion.type, hard, soft))
        for ids, found, opinion in zip(
            _ids(corpus.labelled, encoder, settings), corpus.mentions["train"], opinions.labelled, strict=True
        )
    ]
    others = [
        Example(ids, opinion.sentiment, opinion.type)
        for ids, opinion in zip(_ids(corpus.unlabelled, encoder, settings), opinions.unlabelled, strict=True)
    ]
    return sentiment * settings.sentiment_passes + types * settings.type_passes + others


def _ids(texts: Sequence[str], encoder: Encoder, settings: TrainingSettings) -> list[list[int]]:
    return tokenise(texts, encoder.tokenizer_file, settings.max_tokens)


def _sentiment_target(label: int, smoothing: float) -> Target:
    return _smoothed([float(number == label) for number in range(len(LABELS))], smoothing)


def _type_target(label: Label, smoothing: float) -> Target:
    shares = [0.0] * len(TYPES)
    shares[label.type] = 1.0 if label.also is None else 1.0 - ALSO_SHARE
    if label.also is not None:
        shares[label.also] += ALSO_SHARE
    return _smoothed(shares, smoothing)


def _smoothed(shares: Iterable[float], by: float) -> Target:
    known = list(shares)
    return [share * (1 - by) + by / len(known) for share in known]


def _mixed(first: Target, second: Target, first_share: float, second_share: float) -> Target:
    return [a * first_share + b * second_share for a, b in zip(first, second, strict=True)]
