"""What the shipped ONNX model reads in texts: sentiment, mention type, language. On the CPU, without torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from models.languages import UNTOLD, language_of
from models.manifest import MODEL_FILE, TOKENIZER_FILE, Manifest, ModelError, load_manifest
from models.text import HEADS, LABELS, TYPES, prepare

MAX_BATCH = 16
"""Texts of one run of the network: their states then stay in the processor's cache. 64 at a time are a fifth slower."""
MAX_PADDING = 16
"""Tokens of one run that fill up shorter texts: more cost as much as starting another run. docs/classifier.md has the
figures."""


class Reading(NamedTuple):
    """Probabilities that sum to 1, in the order of `LABELS` and of `TYPES`, and the language (ISO 639 or `und`).
    `readable` is False where nothing was left to read, `read_again` True where a second model has read the text."""

    sentiment: tuple[float, ...]
    type: tuple[float, ...]
    language: str = UNTOLD
    readable: bool = True
    read_again: bool = False


NOTHING_TO_READ = Reading(
    tuple(float(name == "neutral") for name in LABELS),
    tuple(float(name == "general_conversation") for name in TYPES),
    readable=False,
)
"""Neutral and general conversation, without asking the model."""


class MentionModel:
    """A loaded model. What it reads in a text does not depend on its neighbours in a call. Use it from one thread at a
    time."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, manifest: Manifest) -> None:
        self._session, self._tokenizer, self.manifest = session, tokenizer, manifest
        self.version = manifest.model_version

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Self:
        """The model of a folder, its files verified; `threads` compute one batch. Raises ModelError."""
        manifest = load_manifest(folder)
        if manifest.heads != HEADS:
            raise ModelError(f"{folder} has heads {manifest.heads}, not {HEADS}: it is no model of mentions.")
        session = open_session(folder / MODEL_FILE, threads=threads)
        return cls(session, open_tokenizer(folder / TOKENIZER_FILE, manifest.max_tokens), manifest)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text, in the order of `texts`; texts that read the same are computed once."""
        prepared = [prepare(text) for text in texts]
        readings = {"": NOTHING_TO_READ}
        distinct = list(dict.fromkeys(text for text in prepared if text))
        for names, encodings in self._batches(distinct):
            sentiments, types = self.logits([encoding.ids for encoding in encodings])
            rows = zip(names, self._shares("sentiment", sentiments), self._shares("type", types), strict=True)
            readings.update(
                {name: Reading(tuple(sentiment), tuple(type_), language_of(name)) for name, sentiment, type_ in rows}
            )
        return [readings[text] for text in prepared]

    def logits(self, tokens: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of one batch, as the network gives them: sentiment [texts, 3] and type [texts, 6]."""
        token_ids, mask = _pad(tokens)
        sentiment, type_ = self._session.run(list(HEADS), {"input_ids": token_ids, "attention_mask": mask})
        return sentiment, type_

    def mean_tokens(self, texts: Sequence[str]) -> float:
        """How many tokens the model reads of a text, on average."""
        encodings = self._tokenizer.encode_batch_fast([prepare(text) for text in texts])
        return sum(len(encoding.ids) for encoding in encodings) / len(encodings)

    def _batches(self, texts: list[str]) -> Iterator[tuple[list[str], list[Encoding]]]:
        """Texts with their tokens, longest last, so that little of a batch is padding."""
        pairs = zip(texts, self._tokenizer.encode_batch_fast(texts), strict=True)
        by_length = sorted(pairs, key=lambda pair: len(pair[1].ids))
        for run in runs([len(encoding.ids) for _, encoding in by_length]):
            batch = by_length[run]
            yield [text for text, _ in batch], [encoding for _, encoding in batch]

    def _shares(self, head: str, logits: NDArray[np.float32]) -> list[list[float]]:
        """Softmax of the scaled logits, row by row."""
        scaled = logits / self.manifest.temperatures[head]
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        shares: list[list[float]] = (powers / powers.sum(axis=1, keepdims=True)).tolist()
        return shares


def runs(lengths: Sequence[int]) -> Iterator[slice]:
    """Where to cut texts of these lengths, which never fall: at most MAX_BATCH together, at most MAX_PADDING tokens of
    padding among them."""
    start = padding = 0
    for place in range(1, len(lengths)):
        padding += (place - start) * (lengths[place] - lengths[place - 1])
        if place - start == MAX_BATCH or padding > MAX_PADDING:
            yield slice(start, place)
            start, padding = place, 0
    if lengths:
        yield slice(start, len(lengths))


def open_session(file: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """An ONNX session that sleeps between calls: spinning threads would take the event loop's core.

    Constants are not folded: onnxruntime takes an int8 product and its scale together (MatMulIntegerToFloat) only as
    long as it finds the product of scales that folding would have put in their place."""
    onnxruntime.disable_telemetry_events()  # it would otherwise report its use to its maker, where it can
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        str(file), options, providers=["CPUExecutionProvider"], disabled_optimizers=["ConstantFolding"]
    )


def open_tokenizer(file: Path, max_tokens: int) -> Tokenizer:
    """The tokenizer, special tokens added, texts cut to `max_tokens`, no padding."""
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _pad(tokens: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and mask, [texts, tokens of the longest]."""
    lengths = np.array([len(ids) for ids in tokens])
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    padded = np.zeros_like(mask)
    padded[mask == 1] = np.concatenate(tokens)
    return padded, mask
