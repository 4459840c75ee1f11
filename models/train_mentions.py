"""Train the classifier: `python -m models.train_mentions --help`.

One encoder learns two things at once: sentiment from TweetEval, and mention types from our own labels. With `--teacher`
a larger one learns the same first, and its opinions are learnt with the labels.
"""

import argparse
import sys
from pathlib import Path

import torch

from models.encoders import EncoderError, student_encoder, teacher_encoder
from models.fitting import Say, fit
from models.held_out import HeldOut, read_held_out
from models.lessons import Corpus, from_labels, from_teacher, read_corpus
from models.manifest import TeacherSettings, TrainingSettings
from models.mention_network import MentionNetwork
from models.publish_mentions import PublishError, publish
from models.teacher import ask_teacher
from models.tweeteval import DataError


def train(corpus: Corpus, settings: TrainingSettings, work: Path, say: Say) -> MentionNetwork:
    """MiniLM with both heads, fitted to labels and, if the settings name one, to a teacher's opinions, which stay in
    `work`. Raises EncoderError."""
    encoder = student_encoder()
    if teacher := settings.teacher:
        say("the teacher learns from the labels, then says what it thinks of every text")
        opinions = ask_teacher(corpus, teacher_encoder(work), settings, teacher, work, say)
        examples = from_teacher(corpus, opinions, encoder, settings, teacher)
    else:
        examples = from_labels(corpus, encoder, settings)
    network = MentionNetwork(encoder.folder)
    fit(network, examples, settings, encoder.pad_id, say)
    return network


def main() -> int:
    """Train, publish and print the evaluation; exit code 2 when data or encoder cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--held-out", type=Path, help="keys of texts to use for nothing; else held_out.txt beside DIR")
    parser.add_argument("--out", type=Path, default=Path("models/mentions"), help="the model folder to write")
    parser.add_argument("--work", type=Path, default=Path("build/mentions"), help="where weights are kept between runs")
    parser.add_argument("--teacher", action="store_true", help="let a larger network teach: hours more on two cores")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    keys = options.held_out or options.data.parent / "held_out.txt"
    try:
        held_out = read_held_out(keys, options.data) if keys.is_file() else HeldOut(frozenset(), frozenset())
        settings = TrainingSettings(type_passes=3, teacher=TeacherSettings()) if options.teacher else TrainingSettings()
        _run(options.data, held_out, settings, options.work, options.out)
    except (DataError, EncoderError, PublishError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _run(data: Path, held_out: HeldOut, settings: TrainingSettings, work: Path, out: Path) -> None:
    """Trains, or takes the weights that an earlier run with these settings left in `work`, and publishes."""
    weights = work / ("taught.pt" if settings.teacher else "network.pt")
    corpus = read_corpus(data, held_out, settings.teacher.unlabelled if settings.teacher else 0, settings.seed)
    labelled, others = len(corpus.mentions["train"]), len(corpus.unlabelled)
    _say(f"{len(corpus.sentiment.labels)} sentiment labels, {labelled} type labels, {others} posts without a label")
    if not weights.is_file():
        torch.save(train(corpus, settings, work, _say).state_dict(), weights)
    publish(data, corpus.mentions, weights, out, work, settings, _say)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
