"""The network that is trained: a pretrained encoder, mean pooling, and a head each for sentiment and mention type."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoModel

from models.text import LABELS, TYPES


class Logits(NamedTuple):
    """Of a batch: sentiment [batch, 3] in the order of `LABELS`, type [batch, 6] in the order of `TYPES`."""

    sentiment: Tensor
    type: Tensor


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

    def freeze_lowest(self, layers: int) -> None:
        """Keeps the embeddings and so many layers above them as they are."""
        frozen = [self.encoder.embeddings, *self.encoder.encoder.layer[:layers]] if layers else []
        for module in frozen:
            module.requires_grad_(False)

    def prefer_complaints(self, bias: float) -> None:
        """Adds to the logit of complaints, once and for all."""
        with torch.no_grad():
            self.output[1].bias[TYPES.index("customer_complaint")] += bias
