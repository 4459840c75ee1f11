"""Texts to token ids, and batches of like length, so that little of a batch is padding."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from models.sentiment_model import open_tokenizer

BATCHES_SORTED_TOGETHER = 50


class Batch(NamedTuple):
    """Padded token ids and mask ([batch, tokens], int64) and label numbers ([batch], int64)."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


def tokenise(texts: Sequence[str], tokenizer_file: Path, max_tokens: int) -> list[list[int]]:
    """Token ids of each text, special tokens included, cut to `max_tokens`."""
    encodings = open_tokenizer(tokenizer_file, max_tokens).encode_batch_fast(list(texts))
    return [encoding.ids for encoding in encodings]


def batches(tokens: list[list[int]], labels: list[int], size: int, order: random.Random) -> Iterator[Batch]:
    """One epoch in random order: shuffled, sorted by length within blocks of 50 batches, batches shuffled."""
    shuffled = list(range(len(tokens)))
    order.shuffle(shuffled)
    chunks: list[list[int]] = []
    for start in range(0, len(shuffled), size * BATCHES_SORTED_TOGETHER):
        block = shuffled[start : start + size * BATCHES_SORTED_TOGETHER]
        block.sort(key=lambda row: len(tokens[row]))
        chunks += [block[first : first + size] for first in range(0, len(block), size)]
    order.shuffle(chunks)
    for rows in chunks:
        yield pad([tokens[row] for row in rows], [labels[row] for row in rows])


def in_length_order(tokens: list[list[int]], labels: list[int], *, size: int) -> Iterator[tuple[list[int], Batch]]:
    """Row numbers and their batch, shortest texts first."""
    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    for start in range(0, len(by_length), size):
        rows = by_length[start : start + size]
        yield rows, pad([tokens[row] for row in rows], [labels[row] for row in rows])


def pad(tokens: list[list[int]], labels: list[int]) -> Batch:
    """One batch, padded with 0 to its longest text."""
    width = max(len(ids) for ids in tokens)
    input_ids = torch.tensor([ids + [0] * (width - len(ids)) for ids in tokens])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in tokens])
    return Batch(input_ids, mask, torch.tensor(labels))
