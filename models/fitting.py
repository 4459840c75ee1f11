"""Fits a network to examples whose targets are probabilities, of either head or of both."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from models.manifest import TrainingSettings
from models.mention_network import Logits, MentionNetwork
from models.text import LABELS, TYPES

BATCHES_SORTED_TOGETHER = 50

Say = Callable[[str], None]
Target = Sequence[float]


class Example(NamedTuple):
    """Token ids, and the probabilities that a head should give them; None where nothing is known."""

    ids: list[int]
    sentiment: Target | None
    type: Target | None


class Batch(NamedTuple):
    """Padded token ids and mask ([batch, tokens], int64); targets [batch, classes], rows of zeros where unknown."""

    input_ids: Tensor
    attention_mask: Tensor
    targets: Logits


def fit(
    network: MentionNetwork, examples: Sequence[Example], settings: TrainingSettings, pad_id: int, say: Say
) -> None:
    """One pass over the examples in random order, by the settings; the weights are the last ones."""
    torch.manual_seed(settings.seed)
    order = random.Random(settings.seed)
    chosen = list(_batches(examples, settings.batch, pad_id, order))
    warmup = max(1, int(len(chosen) * settings.warmup))
    optimiser = AdamW(_decay_groups(network, settings), lr=settings.learning_rate, fused=True)
    schedule = LambdaLR(
        optimiser, lambda step: min((step + 1) / warmup, max(0.0, (len(chosen) - step) / (len(chosen) - warmup)))
    )
    network.train()
    for step, batch in enumerate(chosen, start=1):
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(batch.input_ids, batch.attention_mask)
        loss = _loss(logits.sentiment, batch.targets.sentiment) + _loss(logits.type, batch.targets.type)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_norm)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == len(chosen):
            say(f"step {step}/{len(chosen)} loss {float(loss.detach()):.3f}")


def padded(tokens: Sequence[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Token ids and mask, padded to the longest text."""
    width = max(len(ids) for ids in tokens)
    input_ids = torch.tensor([ids + [pad_id] * (width - len(ids)) for ids in tokens])
    return input_ids, torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in tokens])


def _batches(examples: Sequence[Example], size: int, pad_id: int, order: random.Random) -> Iterator[Batch]:
    """Shuffled, sorted by length within blocks of 50 batches, batches shuffled."""
    shuffled = list(examples)
    order.shuffle(shuffled)
    chunks: list[list[Example]] = []
    for start in range(0, len(shuffled), size * BATCHES_SORTED_TOGETHER):
        block = sorted(shuffled[start : start + size * BATCHES_SORTED_TOGETHER], key=lambda example: len(example.ids))
        chunks += [block[first : first + size] for first in range(0, len(block), size)]
    order.shuffle(chunks)
    for chunk in chunks:
        sentiment = torch.tensor([example.sentiment or (0.0,) * len(LABELS) for example in chunk])
        type_ = torch.tensor([example.type or (0.0,) * len(TYPES) for example in chunk])
        yield Batch(*padded([example.ids for example in chunk], pad_id), Logits(sentiment, type_))


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy against probabilities, over the rows that have any."""
    known = targets.sum(dim=1).clamp(max=1.0)
    by_row = -(targets * torch.log_softmax(logits.float(), dim=-1)).sum(dim=1)
    return by_row.sum() / known.sum().clamp(min=1.0)


def _decay_groups(network: nn.Module, settings: TrainingSettings) -> list[dict[str, object]]:
    """Biases and layer norms are not decayed."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    matrices = [weight for weight in learning if weight.ndim > 1]
    vectors = [weight for weight in learning if weight.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
