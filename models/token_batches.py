"""Texts to token ids."""

from collections.abc import Sequence
from pathlib import Path

from models.mention_model import open_tokenizer


def tokenise(texts: Sequence[str], tokenizer_file: Path, max_tokens: int) -> list[list[int]]:
    """Token ids of each text, special tokens included, cut to `max_tokens`."""
    encodings = open_tokenizer(tokenizer_file, max_tokens).encode_batch_fast(list(texts))
    return [encoding.ids for encoding in encodings]
