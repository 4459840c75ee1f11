"""Sentiment of texts by the shipped ONNX model, on the CPU, without torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from models.manifest import MODEL_FILE, TOKENIZER_FILE, ModelError, load_manifest
from models.text import LABELS, prepare

MAX_BATCH = 64


class SentimentScores(NamedTuple):
    """Probabilities that sum to 1."""

    negative: float
    neutral: float
    positive: float


NOTHING_TO_JUDGE = SentimentScores(0.0, 1.0, 0.0)
"""Score of a text of which nothing readable is left: neutral, without asking the model."""


class SentimentModel:
    """A loaded model. A text's score does not depend on its neighbours in a call. Use it from one thread at a time."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, version: str) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self.version = version

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Self:
        """The model of a folder, its files verified; `threads` compute one batch. Raises ModelError."""
        manifest = load_manifest(folder)
        if manifest.labels != LABELS:
            raise ModelError(f"{folder} has labels {manifest.labels}, not {LABELS}: it is no sentiment model.")
        session = open_session(folder / MODEL_FILE, threads=threads)
        return cls(session, open_tokenizer(folder / TOKENIZER_FILE, manifest.max_tokens), manifest.model_version)

    def score(self, texts: Sequence[str]) -> list[SentimentScores]:
        """One score a text, in the order of `texts`; texts that read the same are computed once."""
        prepared = [prepare(text) for text in texts]
        scores = {"": NOTHING_TO_JUDGE}
        distinct = list(dict.fromkeys(text for text in prepared if text))
        for names, encodings in self._batches(distinct):
            scores.update(zip(names, self._run(encodings), strict=True))
        return [scores[text] for text in prepared]

    def _batches(self, texts: list[str]) -> Iterator[tuple[list[str], list[Encoding]]]:
        """Texts with their tokens, longest last, at most 64 at a time, so that little of a batch is padding."""
        pairs = zip(texts, self._tokenizer.encode_batch_fast(texts), strict=True)
        by_length = sorted(pairs, key=lambda pair: len(pair[1].ids))
        for start in range(0, len(by_length), MAX_BATCH):
            batch = by_length[start : start + MAX_BATCH]
            yield [text for text, _ in batch], [encoding for _, encoding in batch]

    def _run(self, encodings: list[Encoding]) -> list[SentimentScores]:
        token_ids, mask = _pad([encoding.ids for encoding in encodings])
        (probabilities,) = self._session.run(None, {"input_ids": token_ids, "attention_mask": mask})
        return [SentimentScores(*row) for row in probabilities.tolist()]


def open_session(file: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """An ONNX session that sleeps between calls: spinning threads would take the event loop's core."""
    onnxruntime.disable_telemetry_events()  # it would otherwise report its use to its maker, where it can
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


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
